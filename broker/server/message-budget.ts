import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import { assertNever } from "../../api/invariant.ts";

/** Generous: a full first sync of a large member fits. Beyond, its stream is read at this pace, not closed. */
const PER_SECOND = 5000;
const BURST = 50_000;

/** Seconds of writes at its pace that a member may send at once: a restart or a rollout is no flood. */
const WRITES_BURST_S = 10;

/**
 * How much of the broker's time one member may take: a token bucket that outlives its streams, so that
 * coming back does not refill it. It may be overdrawn by one message: then nothing is read until it is paid.
 */
export class MessageBudget {
  #tokens = BURST;
  #writesPerSecond = PER_SECOND;
  /** Writes have a bucket of their own; they are read one by one at their pace, so that the member is heard meanwhile. */
  #writes = BURST;
  #filledAtMs: number;

  /** @param nowMs monotonic, as everywhere here */
  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** The pace of Put and Delete; undefined: that of all messages. */
  limitWrites(perSecond: number | undefined): void {
    if (perSecond === undefined && this.#writesPerSecond === PER_SECOND) return;
    this.#writesPerSecond = perSecond ?? PER_SECOND;
    this.#writes = Math.min(this.#writes, this.#writesBurst);
  }

  get #writesBurst(): number {
    return Math.min(BURST, WRITES_BURST_S * this.#writesPerSecond);
  }

  /** Pays for a message that has been read. */
  spend(message: MemberMessage["message"], nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= costOf(message);
    if (message?.$case === "put" || message?.$case === "delete") this.#writes -= 1;
  }

  /** How long nothing should be read; 0: the next message may come. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(
      waitFor(this.#tokens, PER_SECOND),
      waitFor(this.#writes, this.#writesPerSecond),
    );
  }

  /** Nothing to remember: a new one would be the same. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= BURST && this.#writes >= this.#writesBurst;
  }

  #fill(nowMs: number): void {
    const seconds = (nowMs - this.#filledAtMs) / 1000;
    this.#tokens = Math.min(BURST, this.#tokens + seconds * PER_SECOND);
    this.#writes = Math.min(this.#writesBurst, this.#writes + seconds * this.#writesPerSecond);
    this.#filledAtMs = nowMs;
  }
}

/** Milliseconds until there is one token. */
function waitFor(tokens: number, perSecond: number): number {
  return tokens > 0 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
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
