import { packBatch } from "../wire/batch.ts";

/** As many changes may be on their way to everybody at the same time. */
const KEPT_MAX = 16;

/** Longer ones are what single members lack: hardly two lack the same. */
const MESSAGES_MAX = 16;

interface Kept {
  readonly messages: readonly Uint8Array[];
  readonly batch: Uint8Array;
}

/**
 * Of all streams of a hub: one change goes to each of them as the same few messages, which are put together once, and all are
 * sent the same bytes.
 */
export class SharedBatches {
  /** The newest last. BOUNDED: by KEPT_MAX batches of MESSAGES_MAX messages. */
  #kept: readonly Kept[] = [];

  /** @param messages that others are sent too, as these very objects */
  pack(messages: readonly Uint8Array[]): Uint8Array {
    if (messages.length > MESSAGES_MAX) return packBatch(messages);
    const known = this.#kept.findLast((kept) => isSame(kept.messages, messages));
    if (known !== undefined) return known.batch;
    const batch = packBatch(messages);
    this.#kept = [...this.#kept, { messages, batch }].slice(-KEPT_MAX);
    return batch;
  }
}

function isSame(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return left.length === right.length && left.every((message, at) => message === right[at]);
}
