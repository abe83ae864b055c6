import type { Welcome } from "../../api/broker/broker.gen.ts";
import { ok, type Result } from "../../api/result.ts";
import type { SliceSet } from "../../api/slices/slice-set.ts";
import { decodeSliceScopes } from "../wire/slice-scopes.ts";

/** No broker ever gives it: everything is to be sent anew. */
const MIXED = "?";

/** The slices this member is in, as the broker last told, and under which of them its rows were sent. */
export class SlicePart {
  #slices: SliceSet | undefined;
  /** Of all rows that the mirror holds. */
  #visibility = "";
  /** Of this stream, until it has synced. */
  #coming: string | undefined;

  /** Undefined: not told yet. */
  get slices(): SliceSet | undefined {
    return this.#slices;
  }

  /** For Hello, and for the next process. */
  get visibility(): string {
    return this.#visibility;
  }

  restore(visibility: string): void {
    this.#visibility = visibility;
  }

  /** True: the slices changed. A broker that does not know of slices takes none back, but hides nothing. */
  welcomed({ slices: scopes }: Welcome): Result<boolean, string> {
    const decoded = scopes === undefined ? undefined : decodeSliceScopes(scopes);
    if (decoded?.ok === false) return decoded;
    const visibility = decoded?.value.visibility ?? "";
    // From here on owners are brought on one by one: until all are, what is held is of neither visibility.
    this.#coming = visibility === this.#visibility ? undefined : visibility;
    if (this.#coming !== undefined) this.#visibility = MIXED;
    if (decoded === undefined) return ok(false);
    const before = this.#slices;
    this.#slices = decoded.value.slices;
    return ok(JSON.stringify(before?.slices) !== JSON.stringify(this.#slices.slices));
  }

  synced(): void {
    this.#visibility = this.#coming ?? this.#visibility;
    this.#coming = undefined;
  }
}
