import type { Client, Transport } from "../answer/client.ts";

/**
 * What a listener asks: to write the response to the first `length` bytes of `packet` into `into`, which holds the
 * largest message of the transport. Returns its bytes, 0 for what is no query at all, or NOTHING_NOW. Must not throw, and
 * keeps none of its arguments.
 */
export type AnswerPacket = (
  packet: Buffer,
  length: number,
  transport: Transport,
  into: Buffer,
  client: Client,
) => number;

/** What a listener did not answer, and why. */
export type DropReason =
  | "unanswerable"
  | "send-failed"
  | "no-source-port"
  | "tcp-limit"
  | "tcp-timeout"
  | "tcp-frame";

export type DropObserver = (reason: DropReason) => void;
