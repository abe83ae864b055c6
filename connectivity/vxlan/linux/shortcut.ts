import { ok, type Result } from "../../../api/result.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { FilterContents, SetChange } from "../plan/filter-contents.ts";
import type { NftTable } from "../plan/kernel-state.ts";
import { SHORTCUT_TABLE } from "../plan/shortcut-table.ts";
import { changeElements, shortcutScript } from "./nft-script.ts";
import type { NftWatch } from "./nft-watch.ts";
import type { RunCommand } from "./run-command.ts";
import type { Files } from "./system-files.ts";

export interface ShortcutDeps {
  readonly run: RunCommand;
  readonly files: Files;
  readonly log: Logger;
  readonly watch: NftWatch;
}

/** A table's body, and the devices that it was made for. */
interface Made {
  readonly body: string;
  readonly devices: string;
}

/**
 * The one table that packets can do without, since they have another way: it goes before anything else changes that it was made for, and
 * comes back when all is as it should be. So its size delays no change of a route, a kernel that does not know it does without, and it
 * never names a device that is not there: nft keeps numbers of devices, and what is sent to one that is gone is lost.
 */
export class Shortcut {
  readonly #devices: readonly string[];
  readonly #deps: ShortcutDeps;
  /** What is in the kernel; undefined: not known, or nothing. */
  #loaded: Made | undefined;
  /** What the kernel did not take. */
  #refused: Made | undefined;
  #isAbsent = false;
  /** The kernel has taken it once. */
  #isTaken = false;
  /** Why, as it was told last. */
  #reason = "";

  constructor(devices: readonly string[], deps: ShortcutDeps) {
    this.#devices = devices;
    this.#deps = deps;
  }

  /** Trusts nothing: the next `clear` removes what there may be. */
  forget(): void {
    this.#loaded = undefined;
    this.#refused = undefined;
    this.#isAbsent = false;
  }

  /** One of its devices was made, or made anew, since it was loaded or could not be. */
  async isStale(): Promise<boolean> {
    const made = this.#loaded ?? this.#refused;
    return made !== undefined && made.devices !== (await this.#numbers());
  }

  /** Before other things change: takes it away unless it is to stay as it is. */
  async clear(table: NftTable | undefined, signal: AbortSignal): Promise<Result<void, string>> {
    const stays = this.#loaded !== undefined && this.#loaded.body === table?.body;
    if (this.#isAbsent || (stays && !(await this.isStale()))) return ok(undefined);
    const input = shortcutScript(undefined, undefined);
    const removed = await this.#deps.run({ program: "nft", args: ["-f", "-"], input }, signal);
    this.#loaded = undefined;
    this.#isAbsent = removed.ok;
    // A kernel without this family of tables has none of them; where it may be, nothing is closed while it stands.
    return removed.ok || !this.#isTaken ? ok(undefined) : removed;
  }

  /** After everything else. */
  async load(
    table: NftTable | undefined,
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (table === undefined) return;
    const devices = await this.#numbers();
    if (this.#loaded?.devices === devices) return;
    const made = { body: table.body, devices };
    if (this.#refused?.body === made.body && this.#refused.devices === devices) return;
    const input = shortcutScript(table, contents);
    const loaded = await this.#deps.run({ program: "nft", args: ["-f", "-"], input }, signal);
    if (loaded.ok) {
      this.#loaded = made;
      this.#refused = undefined;
      this.#isAbsent = false;
      this.#isTaken = true;
      this.#deps.watch.forget([SHORTCUT_TABLE]);
      return;
    }
    this.#refused = made;
    if (this.#reason === loaded.error) return;
    this.#reason = loaded.error;
    const reason = loaded.error;
    this.#deps.log.info("no shortcut for what only passes: it takes the usual way", { reason });
  }

  /** What is to be done about changes of the filter's sets, in the transaction that changes those. */
  changes(changes: readonly SetChange[]): readonly string[] {
    return this.#loaded === undefined ? [] : [changeElements(changes, SHORTCUT_TABLE)];
  }

  /** Whether somebody has changed it, or made it stale; it is loaded anew then. */
  async verify(
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<boolean, string>> {
    this.#refused = undefined;
    if (this.#loaded === undefined) return ok(false);
    const changed = await this.#deps.watch.changedTables([SHORTCUT_TABLE], contents, signal);
    if (!changed.ok) return changed;
    if (changed.value.length > 0) this.forget();
    return ok(changed.value.length > 0);
  }

  /** Numbers of the devices, in order; of one that is not there, none. */
  async #numbers(): Promise<string> {
    const texts = await Promise.all(
      this.#devices.map((device) => this.#deps.files.read(`/sys/class/net/${device}/ifindex`)),
    );
    return texts.map((text) => text?.trim() ?? "").join(" ");
  }
}
