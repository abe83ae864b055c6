import { join } from "node:path";
import type { IpFamily } from "../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { diffKernelState, replacesLink } from "../plan/diff-kernel-state.ts";
import type { FilterContents } from "../plan/filter-contents.ts";
import { FILTER_TABLE } from "../plan/filter-table.ts";
import { EMPTY_KERNEL_STATE, type KernelState } from "../plan/kernel-state.ts";
import type { Plan, PlanSlots } from "../plan/plan.ts";
import { withoutIpv6 } from "../plan/without-ipv6.ts";
import { applyCommands } from "./apply-commands.ts";
import { kernelFamilies } from "./kernel-families.ts";
import { changeElements, deleteTables, replaceTables } from "./nft-script.ts";
import { NftWatch } from "./nft-watch.ts";
import { type Ownership, readKernelState } from "./read-kernel-state.ts";
import type { RunCommand } from "./run-command.ts";
import { Shortcut } from "./shortcut.ts";
import { readSlots, slotsText } from "./slots-file.ts";
import { Sysctls } from "./sysctls.ts";
import type { Files } from "./system-files.ts";

export interface DataplaneOptions {
  /** Of files; "node-agent" or "gateway". */
  readonly owner: string;
  readonly stateDir: string;
  /** Where the kernel's settings are. @default /proc/sys */
  readonly procSys?: string;
  readonly ownership: Ownership;
}

export interface DataplaneDeps {
  readonly run: RunCommand;
  readonly files: Files;
  readonly log: Logger;
}

/**
 * Keeps what one process of ours has in the kernel equal to its plan: looks once, then changes what differs from
 * what it knows to be there. Whatever fails makes it look again at the next call. Calls must not overlap.
 */
export class Dataplane {
  readonly #options: DataplaneOptions;
  readonly #procSys: string;
  readonly #deps: DataplaneDeps;
  readonly #sysctls: Sysctls;
  readonly #watch: NftWatch;
  readonly #shortcut: Shortcut | undefined;
  /** What is in the kernel; undefined: not known for sure. */
  #kernel: KernelState | undefined;
  /** Bodies of the tables in the kernel. BOUNDED: by our tables. */
  readonly #tables = new Map<string, string>();
  #slots: string | undefined;
  #isClean = false;

  constructor(options: DataplaneOptions, deps: DataplaneDeps) {
    this.#options = options;
    this.#procSys = options.procSys ?? "/proc/sys";
    this.#deps = deps;
    this.#sysctls = new Sysctls(
      {
        procSys: this.#procSys,
        directory: join(options.stateDir, "found"),
        owner: options.owner,
      },
      deps.files,
    );
    this.#watch = new NftWatch(deps.run);
    const { shortcut } = options.ownership;
    this.#shortcut =
      shortcut === undefined ? undefined : new Shortcut(shortcut, { ...deps, watch: this.#watch });
  }

  /** Of the last plan that was applied, by this process or one before. */
  slots(): Promise<PlanSlots> {
    return readSlots(this.#slotsFile(), this.#deps.files);
  }

  async apply(
    plan: Plan,
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    const applied = await this.#attempt(plan, contents, signal);
    // Somebody may have changed things: look, and try once more with what is there.
    if (!applied.ok && !signal.aborted) {
      this.#deps.log.warn("data path not as expected, looking again", { err: applied.error });
      this.forget();
      return this.#attempt(plan, contents, signal);
    }
    return applied;
  }

  /** Nothing is in the kernel since `cleanup`. */
  isClean(): boolean {
    return this.#isClean;
  }

  /** Trusts nothing that it knows: the next `apply` looks, and replaces every table. */
  forget(): void {
    this.#kernel = undefined;
    this.#tables.clear();
    this.#shortcut?.forget();
  }

  /** A device was made anew that the last plan's shortcut names; the next `apply` mends it. */
  async hasStaleShortcut(): Promise<boolean> {
    return (await this.#shortcut?.isStale()) ?? false;
  }

  /** Whether somebody has changed what is ours since it was applied; the next `apply` mends it. */
  async verify(
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<boolean, string>> {
    const known = this.#kernel;
    if (known === undefined) return ok(false);
    const actual = await this.#read(signal);
    if (!actual.ok) return actual;
    const differs = diffKernelState(known, actual.value);
    this.#kernel = actual.value;
    const changed = await this.#watch.changedTables([...this.#tables.keys()], contents, signal);
    if (!changed.ok) return changed;
    for (const table of changed.value) this.#tables.delete(table);
    const shortcut = await this.#shortcut?.verify(contents, signal);
    if (shortcut?.ok === false) return shortcut;
    return ok(differs.length + changed.value.length > 0 || shortcut?.value === true);
  }

  /** Removes everything, also what an earlier process left; settings of the kernel are as they were found. */
  async cleanup(signal: AbortSignal): Promise<Result<void, string>> {
    const { run, files } = this.#deps;
    this.forget();
    const actual = await this.#read(signal);
    if (!actual.ok) return actual;
    const cleared = await this.#shortcut?.clear(undefined, signal);
    if (cleared?.ok === false) return cleared;
    const commands = diffKernelState(EMPTY_KERNEL_STATE, actual.value);
    const removed = await applyCommands(commands, run, signal);
    if (!removed.ok) return removed;
    // Last: nothing that they guarded is left.
    const input = deleteTables(this.#options.ownership.nftTables);
    const unfiltered = await run({ program: "nft", args: ["-f", "-"], input }, signal);
    if (!unfiltered.ok) return unfiltered;
    await this.#sysctls.restore();
    await files.remove(this.#slotsFile());
    await files.removeDirectory(this.#options.stateDir);
    this.#slots = undefined;
    this.#isClean = true;
    return ok(undefined);
  }

  async #read(signal: AbortSignal): Promise<Result<KernelState, string>> {
    return readKernelState(this.#options.ownership, await this.#families(), this.#deps.run, signal);
  }

  /** Asked anew each time: IPv6 may be a module that is loaded later. */
  #families(): Promise<readonly IpFamily[]> {
    return kernelFamilies(this.#procSys, this.#deps.files);
  }

  async #attempt(
    whole: Plan,
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    this.#isClean = false;
    const hasIpv6 = (await this.#families()).includes("IPv6");
    const plan = hasIpv6 ? whole : withoutIpv6(whole);
    await this.#keepSlots(plan.slots);
    const cleared = await this.#shortcut?.clear(plan.shortcut, signal);
    if (cleared?.ok === false) return cleared;
    const filtered = await this.#applyTables(plan, contents, signal);
    if (!filtered.ok) return filtered;
    const routed = await this.#applyKernel(plan.kernel, signal);
    if (!routed.ok) return routed;
    try {
      await this.#sysctls.apply(plan.sysctls);
    } catch (cause) {
      return err(`cannot change kernel settings: ${String(cause)}`);
    }
    await this.#shortcut?.load(plan.shortcut, contents, signal);
    return ok(undefined);
  }

  async #applyTables(
    { tables }: Plan,
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    const stale = tables.filter(({ name, body }) => this.#tables.get(name) !== body);
    const changes = contents?.takeChanges() ?? [];
    const hasAll = stale.some(({ name }) => name === FILTER_TABLE);
    const script = [
      ...(stale.length > 0 ? [replaceTables(stale, contents)] : []),
      ...(changes.length > 0 && !hasAll ? [changeElements(changes)] : []),
      ...(changes.length > 0 ? (this.#shortcut?.changes(changes) ?? []) : []),
    ].join("\n");
    if (script === "") return ok(undefined);
    const ran = await this.#deps.run({ program: "nft", args: ["-f", "-"], input: script }, signal);
    if (!ran.ok) {
      // Neither the tables nor their sets are known any more.
      this.#tables.clear();
      this.#shortcut?.forget();
      return ran;
    }
    for (const { name, body } of stale) this.#tables.set(name, body);
    this.#watch.forget(stale.map(({ name }) => name));
    return ok(undefined);
  }

  async #applyKernel(desired: KernelState, signal: AbortSignal): Promise<Result<void, string>> {
    const { run } = this.#deps;
    // Twice where a link was made anew: what stood on the old one went with it.
    for (const isLast of [false, true]) {
      if (this.#kernel === undefined) {
        const actual = await this.#read(signal);
        if (!actual.ok) return actual;
        this.#kernel = actual.value;
      }
      const before = this.#kernel;
      // Until all of it has been done, it is not known how far it got.
      this.#kernel = undefined;
      const changed = await applyCommands(diffKernelState(desired, before), run, signal);
      if (isLast || !replacesLink(desired, before)) {
        if (changed.ok) this.#kernel = desired;
        return changed;
      }
    }
    return ok(undefined);
  }

  async #keepSlots(slots: PlanSlots): Promise<void> {
    const text = slotsText(slots);
    if (text === this.#slots) return;
    await this.#deps.files.replace(this.#slotsFile(), text);
    this.#slots = text;
  }

  #slotsFile(): string {
    return join(this.#options.stateDir, `${this.#options.owner}.slots.json`);
  }
}
