import { describe, expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { example, slice } from "../plan/example.fixture.ts";
import { FilterContents, sliceElements } from "../plan/filter-contents.ts";
import type { NftTable } from "../plan/kernel-state.ts";
import { SHORTCUT_TABLE } from "../plan/shortcut-table.ts";
import { NftWatch } from "./nft-watch.ts";
import { Shortcut } from "./shortcut.ts";
import { systemFiles } from "./system-files.ts";

const { signal } = new AbortController();
const TABLE: NftTable = { name: SHORTCUT_TABLE, body: "set exported4 { }" };
const OTHER: NftTable = { name: SHORTCUT_TABLE, body: "set exported4 { } set more { }" };
const { own } = example(1, "v4");
const scope = { own: own.cluster, maps: own.maps, peers: new Map(), peerMaps: new Map() };

/** A machine whose nft remembers what it was told, and whose devices have numbers. */
function machine() {
  const scripts: string[] = [];
  const numbers = new Map([["isth-node", "5"]]);
  const state = { isRefusing: false, isBroken: false };
  const run = async ({ input = "" }: { readonly input?: string }) => {
    scripts.push(input);
    const isRefused = state.isRefusing && input.includes("set ");
    return isRefused || state.isBroken ? err("nft: no such thing") : ok("");
  };
  const files = {
    ...systemFiles,
    read: async (path: string) => numbers.get(path.split("/").at(-2) ?? ""),
  };
  const watch = new NftWatch(run);
  const shortcut = new Shortcut(["isth-node", "isth-wan"], {
    ...{ run, files, watch },
    log: silentLogger,
  });
  const contents = new FilterContents();
  /** What nft was told by one pass over the data path. */
  const pass = async (table: NftTable | undefined): Promise<readonly string[]> => {
    scripts.length = 0;
    expect(await shortcut.clear(table, signal)).toEqual(ok(undefined));
    await shortcut.load(table, contents, signal);
    return scripts.map((script) => (script.includes(`${SHORTCUT_TABLE} {\n`) ? "load" : "clear"));
  };
  return { shortcut, contents, numbers, state, pass, scripts };
}

describe("the shortcut in the kernel", () => {
  test("goes before anything changes that it was made for, and comes back after it", async () => {
    const { pass } = machine();
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
    expect(await pass(TABLE)).toEqual([]);
    expect(await pass(OTHER)).toEqual(["clear", "load"]);
    expect(await pass(undefined)).toEqual(["clear"]);
    expect(await pass(undefined)).toEqual([]);
    expect(await pass(TABLE)).toEqual(["load"]);
  });

  test("is made anew with a device: the kernel would lose what is sent to the number of one that is gone", async () => {
    const { shortcut, numbers, pass } = machine();
    await pass(TABLE);
    expect(await shortcut.isStale()).toBe(false);
    numbers.set("isth-node", "9");
    expect(await shortcut.isStale()).toBe(true);
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
    expect(await shortcut.isStale()).toBe(false);
  });

  test("a kernel that does not take it goes without, and is asked again when a device comes", async () => {
    const { shortcut, numbers, state, pass } = machine();
    state.isRefusing = true;
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
    expect(await pass(TABLE)).toEqual([]);
    numbers.set("isth-wan", "7");
    expect(await shortcut.isStale()).toBe(true);
    state.isRefusing = false;
    expect(await pass(TABLE)).toEqual(["load"]);
    expect(await shortcut.isStale()).toBe(false);
  });

  test("nothing is changed while one stands that should not; a kernel that never took one has none", async () => {
    const { shortcut, state, pass } = machine();
    state.isBroken = true;
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
    state.isBroken = false;
    expect(await pass(OTHER)).toEqual(["clear", "load"]);
    state.isBroken = true;
    expect((await shortcut.clear(TABLE, signal)).ok).toBe(false);
    state.isBroken = false;
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
  });

  test("holds what the filter holds: all when it is loaded, then what changes, and only while it is there", async () => {
    const { shortcut, contents, pass, scripts } = machine();
    contents.set("a", sliceElements(slice(own.cluster, ["10.0.1.5"], [{ port: 80 }]), scope));
    const first = contents.takeChanges();
    expect(shortcut.changes(first)).toEqual([]);
    await pass(TABLE);
    expect(scripts.join()).toContain(`add element netdev ${SHORTCUT_TABLE} exported4`);
    contents.set("a", []);
    const [script = ""] = shortcut.changes(contents.takeChanges());
    expect(script).toContain(`delete element netdev ${SHORTCUT_TABLE} exported4`);
    // It has no sets of hosts.
    expect(script).not.toContain("hosts");
    shortcut.forget();
    expect(shortcut.changes(first)).toEqual([]);
    expect(await pass(TABLE)).toEqual(["clear", "load"]);
  });
});
