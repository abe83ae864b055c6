import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { type Row, rowKey } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { LIMITS } from "../wire/limits.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { Mirror } from "./mirror.ts";

const A = testCluster("a");
const WEB = serviceKey("shop", "web");
const DB = serviceKey("data", "db");
const web = anExportRow();
const webSlice = anEndpointsRow();
const db = anExportRow({ namespace: "data", name: "db" });

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function aMirror(): { mirror: Mirror; settled: Set<string>; wanted: Set<string> } {
  const wanted = new Set(["shop", "data"]);
  const settled = new Set(["shop", "data"]);
  const mirror = new Mirror({
    wants: (namespace) => wanted.has(namespace),
    isSettled: (namespace) => settled.has(namespace),
  });
  mirror.beginSession("e1");
  return { mirror, settled, wanted };
}

function put(mirror: Mirror, row: Row, sequence: number, incarnation = 1): string[] {
  return [...mirror.put(A, { incarnation, sequence }, rowKey(row), row)];
}

function send(
  mirror: Mirror,
  rows: readonly Row[],
  sequence: number,
  namespaces: string[] = [],
): string[] {
  mirror.reset(A, namespaces);
  for (const row of rows) put(mirror, row, sequence);
  return [...mirror.complete(A, { incarnation: 1, sequence })].sort();
}

describe("mirror", () => {
  test.each([
    { when: "at once", resets: false },
    { when: "after a reset", resets: true },
  ])(
    "keeps nothing of the message that brought a row but its version, $when (I12)",
    async ({ resets }) => {
      const { mirror } = aMirror();
      if (resets) mirror.reset(A, []);
      const putByMessage = (): WeakRef<object> => {
        const message = { incarnation: 1, sequence: 1, row: { as: "large as the row" } };
        mirror.put(A, message, rowKey(web), web);
        return new WeakRef(message);
      };
      const message = putByMessage();
      // A reference that was just made lasts until the turn ends.
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      expect(message.deref()).toBeUndefined();
      expect(put(mirror, web, 1)).toEqual([]);
    },
  );

  test("a reset becomes visible as a whole when it is complete (I4)", () => {
    const { mirror } = aMirror();
    expect(send(mirror, [web, webSlice, db], 3)).toEqual([DB, WEB]);
    mirror.reset(A, []);
    expect(put(mirror, web, 9)).toEqual([]);
    expect(mirror.rows(WEB)).toHaveLength(2);
    expect(mirror.rows(DB)).toHaveLength(1);
    expect([...mirror.complete(A, { incarnation: 1, sequence: 9 })].sort()).toEqual([DB, WEB]);
    expect(mirror.rows(WEB)).toEqual([web]);
    expect([...mirror.services()]).toEqual([WEB]);
  });

  test("re-sending the same writes changes nothing (I9)", () => {
    const { mirror } = aMirror();
    send(mirror, [web, db], 3);
    expect(send(mirror, [web, db], 3)).toEqual([]);
    expect(put(mirror, web, 3)).toEqual([]);
  });

  test("a reset of some namespaces leaves the others alone, and their deltas come through at once", () => {
    const { mirror } = aMirror();
    send(mirror, [web, webSlice, db], 3);
    mirror.reset(A, ["data"]);
    expect([...mirror.delete(A, { incarnation: 1, sequence: 5 }, rowKey(webSlice))]).toEqual([WEB]);
    expect([...mirror.complete(A, { incarnation: 1, sequence: 5 })]).toEqual([DB]);
    expect(mirror.rows(WEB)).toEqual([web]);
    expect(mirror.rows(DB)).toEqual([]);
  });

  test("what was restored is shown once the broker has told what changed since, and is built upon", () => {
    const before = aMirror().mirror;
    send(before, [web, webSlice, db], 3);
    const { mirror } = aMirror();
    mirror.restore(before.saved());
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 1, sequence: 3 }]);
    mirror.keepRestored(new Set(["shop"]));
    mirror.beginSession("e1");
    expect(put(mirror, { ...web, createdAtMs: 5 }, 7)).toEqual([]);
    expect([...mirror.delete(A, { incarnation: 1, sequence: 8 }, rowKey(webSlice))]).toEqual([]);
    expect([mirror.rows(WEB), mirror.isWhole(A)]).toEqual([[], false]);
    // A stream that breaks before leaves it where it was.
    mirror.beginSession("e1");
    expect(mirror.known()).toMatchObject([{ sequence: 3 }]);
    mirror.reset(A, ["data"]);
    expect(put(mirror, db, 9)).toEqual([]);
    expect([...mirror.complete(A, { incarnation: 1, sequence: 9 })].sort()).toEqual([DB, WEB]);
    expect([mirror.rows(WEB), mirror.rows(DB)]).toEqual([[{ ...web, createdAtMs: 5 }], [db]]);
    expect(mirror.isWhole(A)).toBe(true);
  });

  test.each([
    { when: "of another epoch", next: (mirror: Mirror) => mirror.beginSession("e2") },
    { when: "of an owner that left", next: (mirror: Mirror) => void mirror.gone(A, 1) },
    { when: "of an owner that is sent anew", next: (mirror: Mirror) => mirror.reset(A, []) },
    {
      when: "of namespaces that are gone",
      next: (mirror: Mirror) => void mirror.drop(new Set(["shop"])),
    },
  ])("what was restored $when is never shown", ({ next }) => {
    const before = aMirror().mirror;
    send(before, [web], 3);
    const { mirror } = aMirror();
    mirror.restore(before.saved());
    next(mirror);
    mirror.complete(A, { incarnation: 1, sequence: 9 });
    expect([...mirror.services()]).toEqual([]);
  });

  test("an owner with a row that cannot be read is not saved: a newer process may read it", () => {
    const { mirror } = aMirror();
    send(mirror, [web, db], 3);
    mirror.unreadable(A, { incarnation: 1, sequence: 4 }, rowKey(db));
    expect([mirror.rows(DB), mirror.saved().owners]).toEqual([[], []]);
    send(mirror, [web, db], 5);
    expect(mirror.saved().owners).toMatchObject([{ cluster: "a", sequence: 5 }]);
  });

  test("half a reset is void when the stream breaks", () => {
    const { mirror } = aMirror();
    send(mirror, [web, db], 3);
    mirror.reset(A, []);
    mirror.beginSession("e1");
    expect([...mirror.complete(A, { incarnation: 1, sequence: 4 })]).toEqual([]);
    expect(mirror.rows(WEB)).toEqual([web]);
    expect(mirror.rows(DB)).toEqual([db]);
  });

  test("only OwnerComplete moves the version told in Hello", () => {
    const { mirror } = aMirror();
    send(mirror, [web], 3);
    put(mirror, db, 8);
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 1, sequence: 3 }]);
    mirror.complete(A, { incarnation: 1, sequence: 8 });
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 1, sequence: 8 }]);
  });

  test("another epoch keeps the rows and voids the versions, until the owner is sent again (I7)", () => {
    const { mirror } = aMirror();
    send(mirror, [web], 3);
    mirror.beginSession("e2");
    expect(mirror.rows(WEB)).toEqual([web]);
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 1, sequence: LIMITS.sequence }]);
    send(mirror, [db], 1);
    expect([...mirror.services()]).toEqual([DB]);
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 1, sequence: 1 }]);
  });

  test("what a whole reset does not mention in an unsettled namespace stays until that is settled", () => {
    const { mirror, settled } = aMirror();
    send(mirror, [web, db], 3);
    settled.delete("data");
    expect(send(mirror, [web], 4)).toEqual([WEB]);
    expect(mirror.rows(DB)).toEqual([db]);
    expect([...mirror.settle()]).toEqual([]);
    settled.add("data");
    expect([...mirror.settle()]).toEqual([DB]);
    expect(mirror.rows(DB)).toEqual([]);
  });

  test("a row that is mentioned after all is no longer doubtful", () => {
    const { mirror, settled } = aMirror();
    send(mirror, [web, db], 3);
    settled.delete("data");
    send(mirror, [web], 4);
    send(mirror, [db], 5, ["data"]);
    settled.add("data");
    expect([...mirror.settle()]).toEqual([]);
    expect(mirror.rows(DB)).toEqual([db]);
  });

  test("rows of namespaces that are not wanted are ignored, also at the end of a reset", () => {
    const { mirror, wanted } = aMirror();
    mirror.reset(A, []);
    put(mirror, web, 1);
    put(mirror, db, 2);
    wanted.delete("data");
    mirror.complete(A, { incarnation: 1, sequence: 2 });
    expect(put(mirror, db, 3)).toEqual([]);
    expect([...mirror.services()]).toEqual([WEB]);
    wanted.delete("shop");
    expect([...mirror.drop(new Set(["shop"]))]).toEqual([WEB]);
    expect([...mirror.services()]).toEqual([]);
  });

  test.each([
    {
      name: "an older put",
      act: (m: Mirror) =>
        m.put(A, { incarnation: 1, sequence: 2 }, rowKey(web), { ...web, createdAtMs: 1 }),
    },
    {
      name: "an older life's put",
      act: (m: Mirror) =>
        m.put(A, { incarnation: 0, sequence: 99 }, rowKey(web), { ...web, createdAtMs: 1 }),
    },
    {
      name: "an older deletion",
      act: (m: Mirror) => m.delete(A, { incarnation: 1, sequence: 2 }, rowKey(web)),
    },
    {
      name: "a deletion of what is not there",
      act: (m: Mirror) => m.delete(A, { incarnation: 1, sequence: 9 }, rowKey(db)),
    },
    {
      name: "a deletion of an unknown owner",
      act: (m: Mirror) => m.delete(testCluster("z"), { incarnation: 1, sequence: 9 }, rowKey(db)),
    },
    { name: "the end of an earlier life", act: (m: Mirror) => m.gone(A, 0) },
  ])("$name changes nothing", ({ act }) => {
    const { mirror } = aMirror();
    send(mirror, [web], 3);
    expect([...act(mirror)]).toEqual([]);
    expect(mirror.rows(WEB)).toEqual([web]);
  });

  test("an owner that left is forgotten, and its next life begins anew (CLN-13)", () => {
    const { mirror } = aMirror();
    send(mirror, [web, db], 3);
    expect([...mirror.gone(A, 1)].sort()).toEqual([DB, WEB]);
    expect(mirror.owners()).toEqual([]);
    mirror.reset(A, []);
    put(mirror, web, 1, 2);
    mirror.complete(A, { incarnation: 2, sequence: 1 });
    expect(mirror.known()).toEqual([{ clusterId: "a", incarnation: 2, sequence: 1 }]);
  });
});
