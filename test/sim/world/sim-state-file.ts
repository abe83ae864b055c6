import { ok, type Result } from "../../../api/result.ts";
import {
  decodeSaved,
  encodeSaved,
  type SavedBy,
} from "../../../broker/client/saved/saved-codec.ts";
import type { SavedFile } from "../../../broker/client/saved/saved-file.ts";
import type { SavedState } from "../../../broker/client/saved/saved-state.ts";
import { schemaFingerprint } from "../../../broker/client/saved/schema-fingerprint.ts";

/** What the processes of one replica leave for the next: the product's own bytes, on no disk. */
export class SimStateFile {
  #bytes: Uint8Array | undefined;

  /** As one process has it open. @param isDead nothing is written any more */
  open(
    by: Omit<SavedBy, "schema">,
    isDead: () => boolean,
  ): Pick<SavedFile, "load" | "save" | "remove"> {
    const writer = { ...by, schema: schemaFingerprint() };
    return {
      load: async (): Promise<Result<SavedState | undefined, string>> =>
        this.#bytes === undefined ? ok(undefined) : decodeSaved(this.#bytes, writer),
      save: async (state): Promise<Result<void, string>> => {
        if (!isDead()) this.#bytes = Buffer.concat([...encodeSaved(state, writer)]);
        return ok(undefined);
      },
      remove: async (): Promise<Result<void, string>> => {
        if (!isDead()) this.#bytes = undefined;
        return ok(undefined);
      },
    };
  }
}
