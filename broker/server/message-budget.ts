import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import { assertNever } from "../../api/invariant.ts";

/** Generous: a full first sync of a large member fits. Beyond, its stream is read at this pace, not closed. */
const PER_SECOND = 5000;
const BURST = 50_000;

/**
 * How much of the broker's time one member may take: a token bucket that outlives its streams, so that
 * coming back does not refill it. It may be overdrawn by one message: then nothing is read until it is paid.
 */
export class MessageBudget {
  #tokens = BURST;
  #filledAtMs: number;

  /** @param nowMs monotonic, as everywhere here */
  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** Pays for a message that has been read. */
  spend(message: MemberMessage["message"], nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= costOf(message);
  }

  /** How long nothing should be read; 0: the next message may come. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens > 0 ? 0 : Math.ceil(((1 - this.#tokens) / PER_SECOND) * 1000);
  }

  /** Nothing to remember: a new one would be the same. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= BURST;
  }

  #fill(nowMs: number): void {
    const earned = ((nowMs - this.#filledAtMs) / 1000) * PER_SECOND;
    this.#tokens = Math.min(BURST, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }
}

/** In tokens, one being a Put: roughly what the broker has to do about it. */
function costOf(message: MemberMessage["message"]): number {
  switch (message?.$case) {
    case "hello":
      return 500 + (message.value.namespaces.length + message.value.known.length) / 100;
    case "subscribe":
      return 50 + (message.value.add.length + message.value.remove.length) / 100;
    case "put":
    case "delete":
    case "ownComplete":
    case "ping":
    case undefined:
      return 1;
    default:
      return assertNever(message);
  }
}
