import type { Result } from "../../../api/result.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { MemberLink } from "../member-link.ts";
import type { SavedFile } from "./saved-file.ts";
import type { SavedState } from "./saved-state.ts";

/** From a change to its being saved: what a crash may lose costs only that it is sent again. */
const SAVE_AFTER_MS = 60_000;

/** Of the time that saving took, that it rests at least: what is large is saved less often. */
const REST_FACTOR = 50;

interface Deps {
  readonly file: Pick<SavedFile, "load" | "save" | "remove">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Loads what the last process left, and saves what this one knows: some time after it changes, and at its end. */
export class StateKeeper {
  readonly #deps: Deps;
  #link: Pick<MemberLink, "saved"> | undefined;
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;
  /** One at a time. */
  #saving: Promise<void> | undefined;
  #hasChanged = false;
  #restMs = SAVE_AFTER_MS;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Undefined: there is nothing that can be used; then everything is sent anew. */
  async load(): Promise<SavedState | undefined> {
    const loaded = await this.#deps.file.load();
    if (!loaded.ok) this.#deps.log.warn("saved state not used", { err: loaded.error });
    return loaded.ok ? loaded.value : undefined;
  }

  /** From here on what the link knows is saved. */
  follow(link: Pick<MemberLink, "saved" | "subscribe">): void {
    this.#link = link;
    this.#unsubscribe = link.subscribe(() => {
      this.#hasChanged = true;
      this.#schedule();
    });
  }

  /** Saves what has not been saved yet; discard: this cluster leaves, and nobody will need it. */
  async stop(ending: "save" | "discard" = "save"): Promise<void> {
    this.#unsubscribe?.();
    this.#timer?.cancel();
    await this.#saving;
    if (ending === "save" && this.#hasChanged) await this.#save();
    if (ending !== "discard") return;
    const removed = await this.#deps.file.remove();
    if (!removed.ok) this.#deps.log.warn("saved state not removed", { err: removed.error });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#saving !== undefined) return;
    this.#timer = this.#deps.clock.setTimer(this.#restMs, () => {
      this.#timer = undefined;
      this.#saving = this.#save().finally(() => {
        this.#saving = undefined;
        if (this.#hasChanged) this.#schedule();
      });
    });
  }

  async #save(): Promise<void> {
    const state = this.#link?.saved();
    if (state === undefined) return;
    const { clock, file, log } = this.#deps;
    this.#hasChanged = false;
    const startMs = clock.monotonicMs();
    const saved: Result<void, string> = await file.save(state);
    this.#restMs = Math.max(SAVE_AFTER_MS, REST_FACTOR * (clock.monotonicMs() - startMs));
    if (saved.ok) return;
    this.#hasChanged = true;
    log.warn("state not saved", { err: saved.error });
  }
}
