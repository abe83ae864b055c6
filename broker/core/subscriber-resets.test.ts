import { expect, test } from "vitest";
import { rowKey } from "../../api/broker/row.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { encodeOutgoing, type SingleOutgoing } from "./outgoing.ts";
import { Subscriber } from "./subscriber.ts";

const b = testCluster("b");

/** What a member that knows everything of b is sent when it wants so many more namespaces, each with a name of 63 letters. */
function saidFor(added: number): readonly SingleOutgoing[] {
  const table = new BrokerTable();
  const row = anExportRow({ cluster: b });
  const record = { kind: "row", cluster: b, incarnation: 1, sequence: 1 } as const;
  table.apply({ ...record, key: rowKey(row), bytes: encodeRowBytes(row) });
  table.apply({ kind: "complete", cluster: b, incarnation: 1 });
  const subscriber = new Subscriber(testCluster("a"), table);
  subscriber.start(["shop"], [{ cluster: b, incarnation: 1, sequence: 1 }], true);
  const pullAll = (): readonly SingleOutgoing[] => {
    const said: SingleOutgoing[] = [];
    for (let one = subscriber.pull(); one !== undefined; one = subscriber.pull()) said.push(one);
    return said;
  };
  pullAll();
  const names = Array.from({ length: added }, (_, at) => `n${String(at).padStart(62, "0")}`);
  subscriber.subscribe(names, [], 1);
  return pullAll();
}

function kinds(said: readonly SingleOutgoing[]): readonly string[] {
  return said.map((each) => (each.kind === "row" ? "row" : each.message.$case));
}

test("namespaces that a message can name are reset by name", () => {
  const said = saidFor(8000);
  expect(kinds(said)).toEqual(["ownerReset", "ownerComplete", "synced"]);
  expect(said[0]).toMatchObject({ message: { value: { namespaces: { length: 8000 } } } });
});

test("more of them are reset with all the others: no message is larger than one may be", () => {
  const said = saidFor(LIMITS.namespacesPerMember - 1);
  expect(kinds(said)).toEqual(["ownerReset", "row", "ownerComplete", "synced"]);
  expect(said[0]).toMatchObject({ message: { value: { namespaces: [] } } });
  for (const each of said) expect(encodeOutgoing(each).length).toBeLessThan(LIMITS.messageBytes);
});
