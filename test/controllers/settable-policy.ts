import { type MemberPolicy, SHARE_EVERYTHING } from "../../controllers/policy/member-policy.ts";
import type { Changing } from "../../runtime/config/changing.ts";

/** A member's namespace policy as a test sets it. */
export class SettablePolicy implements Changing<MemberPolicy> {
  #current: MemberPolicy = SHARE_EVERYTHING;
  readonly #listeners = new Set<() => void>();

  get current(): MemberPolicy {
    return this.#current;
  }

  set(policy: MemberPolicy): void {
    this.#current = policy;
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
