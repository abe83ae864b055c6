import type { Transport } from "../answer/responder.ts";

/** What a listener asks: the response to a packet, undefined for silence. Must not throw. */
export type AnswerPacket = (packet: Buffer, transport: Transport) => Buffer | undefined;

/** What a listener did not answer, and why. */
export type DropReason =
  | "unanswerable"
  | "send-failed"
  | "no-source-port"
  | "tcp-limit"
  | "tcp-timeout"
  | "tcp-frame";

export type DropObserver = (reason: DropReason) => void;
