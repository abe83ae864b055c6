export type Transport = "udp" | "tcp";

/** Who sent a packet. A listener may use one object for all: it speaks of the packet at hand only. */
export interface Client {
  readonly address: string;
  /** For a response that takes time: asked for at once, the way back may be used once, at any later time. */
  later(): (response: Buffer) => void;
}

/** In place of a size: no response now. One comes later, or the silence is meant and has been counted. */
export const NOTHING_NOW = -1;
