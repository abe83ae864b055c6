import { expect, test } from "vitest";
import { rowKey } from "../../api/broker/row.ts";
import { UNLIMITED } from "../policy/cluster-policy.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { ownListDigest } from "../wire/own-list-digest.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { rowDigest } from "../wire/row-digest.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { OwnList } from "./own-list.ts";
import { Presence } from "./presence.ts";
import { Session } from "./session.ts";

const cluster = testCluster("a");
const ROWS = ["web", "cart"].map((name) => anExportRow({ cluster, name }));

function tableOfRows(): BrokerTable {
  const table = new BrokerTable();
  for (const [at, row] of ROWS.entries()) {
    const record = { kind: "row", cluster, incarnation: 1, sequence: at + 1 } as const;
    table.apply({ ...record, key: rowKey(row), bytes: encodeRowBytes(row) });
  }
  return table;
}

/** What a member that owns ROWS is told of its own rows when its Hello has this digest. */
function toldOfOwn(ownDigest: Uint8Array): readonly unknown[] {
  const table = tableOfRows();
  const peer = { cluster, incarnation: 1, certificateSerial: "01" };
  const options = { clusterset: "set", storeEpoch: "e1", heartbeatIntervalMs: 1000, nowMs: 0 };
  const session = new Session({ peer, policy: UNLIMITED, ...options }, table, new Presence(0));
  const hello = { protocolVersions: [1], storeEpoch: "", namespaces: [], known: [], cidrs: [] };
  const value = { ...hello, capabilities: [], ownDigest };
  session.step({ kind: "message", message: { $case: "hello", value }, nowMs: 0 });
  session.step({ kind: "settled" });
  const told: unknown[] = [];
  for (let next = session.pull(0); next !== undefined; next = session.pull(0)) {
    if (next.kind !== "message") continue;
    const { message } = next;
    if (message.$case === "ownRow") told.push(message.value.key);
    if (message.$case === "ownRowsEnd") told.push(message.value);
  }
  return told;
}

const LIST = ["export/shop/web", "export/shop/cart", { unchanged: false }];

test("a member that knows what the broker holds of it is told just that", () => {
  const digest = ownListDigest(ROWS.map((row) => [rowKey(row), rowDigest(row)]));
  expect(toldOfOwn(digest)).toEqual([{ unchanged: true }]);
});

test.each<{ name: string; digest: Uint8Array }>([
  { name: "does not ask", digest: new Uint8Array() },
  { name: "knows less", digest: ownListDigest([]) },
  {
    name: "knows another version",
    digest: ownListDigest(
      ROWS.map((row) => [rowKey(row), rowDigest({ ...row, labels: { v: "2" } })]),
    ),
  },
  { name: "says something that is no digest", digest: new Uint8Array([1]) },
])("one that $name is sent the list", ({ digest }) => {
  expect(toldOfOwn(digest)).toEqual(LIST);
});

test("a row that goes while the list is told is not in it any more", () => {
  const table = tableOfRows();
  const list = new OwnList(table.owner(cluster), new Uint8Array());
  const [, cart] = ROWS;
  if (cart === undefined) throw new Error("two rows");
  const gone = { kind: "delete", cluster, incarnation: 1, sequence: 3 } as const;
  table.apply({ ...gone, key: rowKey(cart) });
  const told = [list.next(table.owner(cluster)), list.next(table.owner(cluster))];
  expect(told.map(({ $case }) => $case)).toEqual(["ownRow", "ownRowsEnd"]);
});

test("a member of which nothing is held is told so", () => {
  const list = new OwnList(undefined, new Uint8Array());
  expect(list.next(undefined)).toEqual({ $case: "ownRowsEnd", value: { unchanged: false } });
});
