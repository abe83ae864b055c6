import { fork } from "node:child_process";
import { once } from "node:events";

export type FloodKind = "addresses" | "slow-tcp";

export interface FloodRequest {
  readonly kind: FloodKind;
  readonly port: number;
  readonly seconds: number;
  /** Packets; as many as it can without. */
  readonly perSecond?: number;
}

export interface FloodProcess {
  /** What it did, for people; `<number>/s sent` first. */
  readonly did: Promise<string>;
}

/** Starts `flood-client.ts`; resolves once it floods, from when on it does for `seconds`. */
export async function startFlood(request: FloodRequest): Promise<FloodProcess> {
  const { kind, port, seconds, perSecond = Number.POSITIVE_INFINITY } = request;
  const args = [kind, port, seconds, perSecond].map(String);
  const child = fork(new URL("./flood-client.ts", import.meta.url), args);
  await once(child, "message");
  return { did: once(child, "message").then(([did]) => String(did)) };
}
