import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RowKey, rowKey, type ServiceRow, serviceOfRow } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { ownListDigest } from "../wire/own-list-digest.ts";
import { rowDigest } from "../wire/row-digest.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { OwnRows } from "./own-rows.ts";

const NOW = 1000;
const WEB = serviceKey("shop", "web");
const web = anExportRow();
const slice = anEndpointsRow();
const db = anExportRow({ name: "db" });

/** Opens a stream to a broker that holds these rows. */
function connect(own: OwnRows, held: readonly ServiceRow[], sequence = 0): void {
  own.beginSession(sequence);
  for (const row of held) own.listed(rowKey(row), 1, rowDigest(row));
  own.listEnded();
}

/** All messages there are to send, in short. */
function drain(own: OwnRows, nowMs = NOW): string[] {
  const said: string[] = [];
  for (let message = own.next(nowMs); message !== undefined; message = own.next(nowMs)) {
    if (message.$case === "put") {
      const { sequence, row } = message.value;
      said.push(`put ${sequence} ${row?.content?.$case} ${row?.name}`);
    } else if (message.$case === "delete") {
      said.push(`delete ${message.value.sequence} ${message.value.key}`);
    } else said.push(message.$case);
  }
  return said;
}

describe("own rows", () => {
  test("a list that the broker need not repeat counts as it was: only what differs is sent", () => {
    const own = new OwnRows();
    expect(own.listDigest()).toHaveLength(0);
    own.set(WEB, [web, slice]);
    own.markComplete();
    connect(own, [slice, web]);
    expect(drain(own)).toEqual(["ownComplete"]);
    const held = ownListDigest([web, slice].map((row) => [rowKey(row), rowDigest(row)]));
    expect(own.listDigest()).toEqual(held);
    own.endSession();
    own.set(WEB, [{ ...web, createdAtMs: 7 }, slice]);
    own.beginSession(1);
    expect([...own.listEnded(true)]).toEqual([]);
    expect(own.isStored(rowKey(slice))).toBe(true);
    expect(drain(own)).toEqual(["put 1000 export web", "ownComplete"]);
    // On its way when the stream ends: whether it arrived is for the broker to say.
    own.endSession();
    expect(own.listDigest()).toEqual(held);
  });

  test("what an earlier process knew is named to the broker, and believed once it agrees", () => {
    const before = new OwnRows();
    before.set(WEB, [web, slice]);
    connect(before, [web, slice]);
    const agreed = new OwnRows();
    agreed.restore(before.saved());
    agreed.set(WEB, [web, slice]);
    expect(agreed.listDigest()).toEqual(before.listDigest());
    expect([agreed.isStored(rowKey(web)), agreed.saved()]).toEqual([false, before.saved()]);
    agreed.beginSession(1);
    expect([...agreed.listEnded(true)]).toEqual([WEB]);
    agreed.markComplete();
    expect([agreed.isStored(rowKey(web)), drain(agreed)]).toEqual([true, ["ownComplete"]]);
    const denied = new OwnRows();
    denied.restore(before.saved());
    denied.set(WEB, [web, slice]);
    connect(denied, [web]);
    denied.markComplete();
    expect(drain(denied)).toEqual(["put 1000 endpoints web", "ownComplete"]);
  });

  test("a restart sends exactly the differences (OwnRow digests)", () => {
    const rows = [web, slice, db];
    fc.assert(
      fc.property(
        fc.subarray(rows),
        fc.subarray(rows),
        fc.subarray(rows),
        (held, wanted, changed) => {
          const own = new OwnRows();
          const now = wanted.map(
            (row): ServiceRow =>
              changed.includes(row) && row.kind === "export" ? { ...row, createdAtMs: 7 } : row,
          );
          for (const service of new Set(now.map(serviceOfRow))) {
            own.set(
              service,
              now.filter((row) => serviceOfRow(row) === service),
            );
          }
          own.markComplete();
          connect(own, held);
          const said = drain(own).map((line) => line.replace(/ [0-9]+/, ""));
          const heldKeys = new Map(
            held.map((row): [RowKey, string] => [
              rowKey(row),
              Buffer.from(rowDigest(row)).toString(),
            ]),
          );
          const puts = now.filter(
            (row) => heldKeys.get(rowKey(row)) !== Buffer.from(rowDigest(row)).toString(),
          );
          const deletes = held.filter((row) => !wanted.includes(row));
          const want = [
            ...puts.map((row) => `put ${row.kind} ${row.name}`),
            ...deletes.map((row) => `delete ${rowKey(row)}`),
          ];
          expect(said.slice(0, -1).sort()).toEqual(want.sort());
          expect(said.at(-1)).toBe("ownComplete");
        },
      ),
    );
  });

  test("nothing is sent before the broker has told what it holds", () => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    expect(drain(own)).toEqual([]);
    own.beginSession(0);
    expect(drain(own)).toEqual([]);
    own.listEnded();
    expect(drain(own)).toEqual(["put 1000 export web"]);
  });

  test("before everything is known, what is unknown here stays at the broker (I6)", () => {
    const own = new OwnRows();
    connect(own, [web, slice, db]);
    own.set(WEB, [web]);
    expect(drain(own)).toEqual([]);
    own.markComplete();
    expect(drain(own)).toEqual([
      "delete 1000 endpoints/shop/web/web-1",
      "delete 1001 export/shop/db",
      "ownComplete",
    ]);
  });

  test("OwnComplete is said once per stream", () => {
    const own = new OwnRows();
    own.markComplete();
    connect(own, []);
    expect(drain(own)).toEqual(["ownComplete"]);
    own.set(WEB, [web]);
    expect(drain(own)).toEqual(["put 1000 export web"]);
    connect(own, [web]);
    expect(drain(own)).toEqual(["ownComplete"]);
  });

  test.each([
    { name: "wall time", broker: 0, nowMs: 5000, want: "put 5000 export web" },
    { name: "the broker's last", broker: 9000, nowMs: 5000, want: "put 9001 export web" },
  ])("sequences start above $name", ({ broker, nowMs, want }) => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    connect(own, [], broker);
    expect(drain(own, nowMs)).toEqual([want]);
  });

  test("a row changed while on its way is sent again, and counts as stored only in its last form", () => {
    const own = new OwnRows();
    connect(own, []);
    own.set(WEB, [web]);
    expect(drain(own)).toEqual(["put 1000 export web"]);
    own.set(WEB, [{ ...web, createdAtMs: 9 }]);
    expect(drain(own)).toEqual(["put 1001 export web"]);
    own.stored(1000);
    expect(own.isStored(rowKey(web))).toBe(false);
    expect([...own.stored(1001)]).toEqual([WEB]);
    expect(own.isStored(rowKey(web))).toBe(true);
    expect(drain(own)).toEqual([]);
  });

  test("a row set back while on its way ends as it was", () => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    connect(own, [web]);
    own.set(WEB, [{ ...web, createdAtMs: 9 }]);
    drain(own);
    own.set(WEB, [web]);
    expect(drain(own)).toEqual(["put 1001 export web"]);
  });

  test("a refused row is not sent again before it changes or a new stream begins", () => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    connect(own, []);
    drain(own);
    expect([...own.refused(rowKey(web), { sequence: 1000, reason: "no", forRoom: false })]).toEqual(
      [WEB],
    );
    own.stored(1000);
    expect([own.refusal(rowKey(web)), own.isStored(rowKey(web))]).toEqual(["no", false]);
    expect(drain(own)).toEqual([]);
    connect(own, []);
    expect(own.refusal(rowKey(web))).toBe("no");
    expect(drain(own)).toEqual(["put 1001 export web"]);
    own.stored(1001);
    expect(own.refusal(rowKey(web))).toBeUndefined();
  });

  test("each row that goes lets one be tried again of those that there was no room for, in turn", () => {
    const own = new OwnRows();
    const rows = ["api", "db", "web"].map((name) => ({ ...web, name }));
    for (const row of rows) own.set(serviceOfRow(row), [row]);
    own.markComplete();
    connect(own, []);
    expect(drain(own)).toHaveLength(4);
    const refuse = (at: number, sequence: number): void => {
      const row = rows[at];
      if (row === undefined) throw new Error("no such row");
      own.refused(rowKey(row), { sequence, reason: "no room", forRoom: true });
    };
    own.stored(1000);
    refuse(1, 1001);
    refuse(2, 1002);
    expect(drain(own)).toEqual([]);
    const [api] = rows;
    if (api === undefined) throw new Error("no row");
    own.set(serviceOfRow(api), []);
    expect(drain(own)).toEqual(["delete 1003 export/shop/api"]);
    own.stored(1003);
    expect(drain(own)).toEqual(["put 1004 export db"]);
    refuse(1, 1004);
    expect(drain(own)).toEqual([]);
  });

  test("a refusal of an older form says nothing of the newer one", () => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    connect(own, []);
    drain(own);
    own.set(WEB, [{ ...web, createdAtMs: 9 }]);
    drain(own);
    own.refused(rowKey(web), { sequence: 1000, reason: "no", forRoom: false });
    own.stored(1001);
    expect([own.refusal(rowKey(web)), own.isStored(rowKey(web))]).toEqual([undefined, true]);
  });

  test("what is known to be stored stays so while the broker is away (I7)", () => {
    const own = new OwnRows();
    own.set(WEB, [web]);
    connect(own, [web]);
    own.endSession();
    own.beginSession(0);
    expect(own.isStored(rowKey(web))).toBe(true);
    expect([...own.listEnded()]).toEqual([WEB]);
    expect(own.isStored(rowKey(web))).toBe(false);
  });

  test("a row of another service is a bug", () => {
    expect(() => new OwnRows().set(WEB, [db])).toThrow("an own row belongs to the service");
  });
});
