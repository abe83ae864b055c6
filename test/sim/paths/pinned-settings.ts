import { DEFAULT_CHOICE_SETTINGS } from "../../../connectivity/select/choose-path.ts";
import type { PathSettings } from "../../../connectivity/select/path-settings.ts";
import { NO_PINS, type Pins } from "../../../connectivity/select/pins.ts";
import type { Changing } from "../../../runtime/config/changing.ts";

/** Settings of which an admin changes the pins. */
export class PinnedSettings implements Changing<PathSettings> {
  #current: PathSettings = { choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS };
  /** BOUNDED: by the terms of a member's controllers; one that ends leaves. */
  readonly #listeners = new Set<() => void>();

  get current(): PathSettings {
    return this.#current;
  }

  pin(pins: Pins): void {
    this.#current = { ...this.#current, pins };
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
