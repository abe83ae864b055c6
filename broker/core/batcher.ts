import { BATCH_BYTES, packBatch } from "../wire/batch.ts";
import { LIMITS } from "../wire/limits.ts";
import { encodeOutgoing, type Outgoing, type SingleOutgoing } from "./outgoing.ts";
import { SharedBatches } from "./shared-batches.ts";

/** Room for what a frame and its fields add. */
const BATCH_MAX_BYTES = LIMITS.messageBytes / 2;

/**
 * Puts together what a session has to say in one moment. One message alone stays as it is: a single change costs
 * what it did before.
 */
export class Batcher {
  /** Did not fit any more. */
  #left: SingleOutgoing | undefined;
  readonly #shared: SharedBatches;

  constructor(shared = new SharedBatches()) {
    this.#shared = shared;
  }

  /** @param next the session's next single message */
  pull(next: () => SingleOutgoing | undefined): Outgoing | undefined {
    const first = this.#left ?? next();
    this.#left = undefined;
    if (first === undefined) return undefined;
    const messages = [encodeOutgoing(first)];
    let isShared = first.encoded !== undefined;
    let bytes = messages[0]?.length ?? 0;
    while (bytes < BATCH_BYTES) {
      const more = next();
      if (more === undefined) break;
      const encoded = encodeOutgoing(more);
      if (bytes + encoded.length > BATCH_MAX_BYTES) {
        this.#left = more;
        break;
      }
      messages.push(encoded);
      isShared &&= more.encoded !== undefined;
      bytes += encoded.length;
    }
    if (messages.length === 1) return first;
    return { kind: "batch", encoded: isShared ? this.#shared.pack(messages) : packBatch(messages) };
  }
}
