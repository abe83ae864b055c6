import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rowKey } from "../../../api/broker/row.ts";
import { anyRow, testCluster } from "../../wire/row-arbitrary.ts";
import { rowDigest } from "../../wire/row-digest.ts";
import { anExportRow } from "../../wire/test-rows.ts";
import { decodeSaved, encodeSaved } from "./saved-codec.ts";
import { SavedFile } from "./saved-file.ts";
import type { SavedState } from "./saved-state.ts";

const ME = { clusterset: "set", clusterId: testCluster("me"), incarnation: 3 };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-saved-"));
  path = join(folder, "made", "state.bin");
});
afterEach(() => rm(folder, { recursive: true }));

const version = fc.record({ incarnation: fc.nat(9), sequence: fc.nat(2 ** 30) });
const anyState: fc.Arbitrary<SavedState> = fc.record({
  epoch: fc.string({ maxLength: 9 }),
  visibility: fc.string({ maxLength: 9 }),
  namespaces: fc.uniqueArray(fc.constantFrom("shop", "data", "x"), { maxLength: 3 }),
  owners: fc.uniqueArray(
    fc.constantFrom("a", "b").chain((id) =>
      fc.record({
        cluster: fc.constant(testCluster(id)),
        incarnation: fc.nat(9),
        sequence: fc.nat(2 ** 52),
        rows: fc.array(fc.record({ row: anyRow(testCluster(id)), version }), { maxLength: 5 }),
      }),
    ),
    { maxLength: 2, selector: ({ cluster }) => cluster },
  ),
  ownRows: fc.array(
    anyRow(testCluster("me")).map((row) => ({
      key: rowKey(row),
      sequence: 7,
      digest: Buffer.from(rowDigest(row)).toString("base64"),
    })),
    { maxLength: 4 },
  ),
});

function stateOf(rows: number): SavedState {
  const version = { incarnation: 1, sequence: 1 };
  const held = Array.from({ length: rows }, (_, at) => ({
    row: anExportRow({ name: `s${at}` }),
    version,
  }));
  const owner = { cluster: testCluster("a"), incarnation: 1, sequence: 9, rows: held };
  return { epoch: "e1", namespaces: ["shop"], visibility: "v1", owners: [owner], ownRows: [] };
}

describe("a saved state", () => {
  test("is read as it was written, whatever is in it", async () => {
    const by = { ...ME, schema: new Uint8Array([1, 2]) };
    fc.assert(
      fc.property(anyState, (state) => {
        const bytes = Buffer.concat([...encodeSaved(state, by)]);
        expect(decodeSaved(bytes, by)).toEqual({ ok: true, value: state });
      }),
    );
    const file = new SavedFile(path, ME);
    expect(await file.load()).toEqual({ ok: true, value: undefined });
    const state = stateOf(3000);
    expect(await file.save(stateOf(1))).toEqual({ ok: true, value: undefined });
    expect(await file.save(state)).toEqual({ ok: true, value: undefined });
    expect(await file.load()).toEqual({ ok: true, value: state });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await file.remove()).toEqual({ ok: true, value: undefined });
    expect(await file.remove()).toEqual({ ok: true, value: undefined });
    expect(await file.load()).toEqual({ ok: true, value: undefined });
  });

  test.each([
    { what: "clusterset", by: { ...ME, clusterset: "other" } },
    { what: "cluster", by: { ...ME, clusterId: testCluster("you") } },
    { what: "life", by: { ...ME, incarnation: 4 } },
  ])("of another $what is none", async ({ by }) => {
    await new SavedFile(path, ME).save(stateOf(1));
    expect(await new SavedFile(path, by).load()).toEqual({ ok: true, value: undefined });
  });

  test("of another version of the protocol is none", () => {
    const by = { ...ME, schema: new Uint8Array([1]) };
    const bytes = Buffer.concat([...encodeSaved(stateOf(1), by)]);
    const newer = { ...by, schema: new Uint8Array([2]) };
    expect(decodeSaved(bytes, newer)).toEqual({ ok: true, value: undefined });
  });

  test("that is damaged anywhere, cut anywhere or something else is an error, not a state", async () => {
    const file = new SavedFile(path, ME);
    await file.save(stateOf(20));
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1 + Math.floor(whole.length / 60)) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await writeFile(path, damaged);
      expect(await file.load()).toMatchObject({ ok: false });
      await writeFile(path, whole.subarray(0, at));
      expect(await file.load()).toMatchObject({ ok: false });
    }
    await writeFile(path, "something else altogether, long enough to hold a digest");
    expect(await file.load()).toEqual({
      ok: false,
      error: `cannot read saved state ${path}: must end with its digest: it is damaged`,
    });
  });

  test("that is too large for any member is not read", async () => {
    const file = new SavedFile(path, ME);
    await file.save(stateOf(1));
    await truncate(path, 2 ** 27 + 1);
    expect(await file.load()).toMatchObject({
      error: `cannot read saved state ${path}: must be at most ${2 ** 27} bytes: got ${2 ** 27 + 1}`,
    });
  });

  test("stays as it was when the next cannot be written; what crashes left beside it goes", async () => {
    const file = new SavedFile(path, ME);
    await file.save(stateOf(1));
    const left = join(folder, "made", ".state.bin.0123456789ab.tmp");
    await writeFile(left, "half");
    const broken: SavedState = {
      ...stateOf(1),
      get ownRows(): never {
        throw new Error("broken off");
      },
    };
    expect(await file.save(broken)).toEqual({
      ok: false,
      error: `cannot save state to ${path}: broken off`,
    });
    expect(await file.load()).toEqual({ ok: true, value: stateOf(1) });
    expect(await readdir(join(folder, "made"))).toEqual(["state.bin"]);
  });

  test("that cannot be written says why", async () => {
    const file = new SavedFile("/proc/no-such-folder/state.bin", ME);
    expect(await file.save(stateOf(1))).toMatchObject({ ok: false });
  });
});
