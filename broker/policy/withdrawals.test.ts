import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Row, rowKey } from "../../api/broker/row.ts";
import { BrokerTable } from "../core/broker-table.ts";
import type { OwnerView } from "../core/owner-rows.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { anyRow, testCluster } from "../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { checkHoldings, checkRow, NO_HOLDINGS } from "./check-row.ts";
import { type ClusterPolicy, UNLIMITED } from "./cluster-policy.ts";
import { holdingsOfOwner } from "./owner-holdings.ts";
import { parsePolicy } from "./parse-policy.ts";
import { withdrawals } from "./withdrawals.ts";

const a = testCluster("a");

function policy(entry: string): ClusterPolicy {
  const parsed = parsePolicy(`defaults: ${entry}`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.of(a);
}

function tableWith(rows: readonly Row[]): BrokerTable {
  const table = new BrokerTable();
  rows.forEach((row, at) =>
    table.apply({
      kind: "row",
      cluster: a,
      incarnation: 1,
      sequence: at + 1,
      key: rowKey(row),
      bytes: encodeRowBytes(row),
    }),
  );
  return table;
}

function ownerOf(table: BrokerTable): OwnerView {
  const owner = table.owner(a);
  if (owner === undefined) throw new Error("no owner");
  return owner;
}

describe("withdrawals: what a changed policy takes back", () => {
  const rows = [
    anExportRow({ name: "young", createdAtMs: 9 }),
    anExportRow({ name: "old", createdAtMs: 1 }),
    anExportRow({ namespace: "dev", name: "other", createdAtMs: 5 }),
    anEndpointsRow({ name: "old" }),
  ];

  test.each([
    { name: "nothing when all is allowed", entry: "{}", want: [] },
    { name: "a namespace", entry: "{export: {deny: [dev]}}", want: ["export/dev/other"] },
    { name: "an address", entry: "{cidrs: [10.9.0.0/16]}", want: ["endpoints/shop/old/web-1"] },
    {
      name: "the youngest exports when there are too many",
      entry: "{maxExports: 1}",
      want: ["export/dev/other", "export/shop/young"],
    },
    {
      name: "endpoints that are too many",
      entry: "{maxEndpoints: 0}",
      want: ["endpoints/shop/old/web-1"],
    },
  ])("$name", ({ entry, want }) => {
    const doomed = withdrawals(ownerOf(tableWith(rows)), policy(entry));
    expect(doomed.map((record) => (record.kind === "delete" ? record.key : record.kind))).toEqual(
      want,
    );
    // They follow the owner's last write, so that its next stream begins above them.
    expect(doomed.map((record) => (record.kind === "delete" ? record.sequence : 0))).toEqual(
      want.map((_, at) => rows.length + 1 + at),
    );
  });

  test("what is left keeps the policy, nothing that might stay goes, and a second look finds nothing", () => {
    const anyPolicy = fc.constantFrom(
      policy("{maxExports: 1}"),
      policy("{maxEndpoints: 3}"),
      policy("{maxRowBytes: 150}"),
      policy("{cidrs: [0.0.0.0/2]}"),
      policy("{export: {deny: [a*, b*, c*]}}"),
      UNLIMITED,
    );
    const someRows = fc.uniqueArray(anyRow(a), { selector: rowKey, maxLength: 8, minLength: 1 });
    fc.assert(
      fc.property(someRows, anyPolicy, (rowsOf, rules) => {
        const table = tableWith(rowsOf);
        const doomed = withdrawals(ownerOf(table), rules);
        for (const record of doomed) table.apply(record);
        const owner = ownerOf(table);
        expect(checkHoldings(rules, NO_HOLDINGS, holdingsOfOwner(owner)).ok).toBe(true);
        for (const row of rowsOf) {
          const isAllowed = checkRow(rules, row, encodeRowBytes(row).length).ok;
          const isHeld = owner.row(rowKey(row)) !== undefined;
          if (!isAllowed) expect(isHeld).toBe(false);
        }
        if (rules === UNLIMITED) expect(doomed).toEqual([]);
        expect(withdrawals(owner, rules)).toEqual([]);
      }),
    );
  });
});
