import { expect, test } from "vitest";
import { NETWORK_ROW_KEY, type Row, rowKey } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { aNetworkRow, anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { HeldRows } from "./held-rows.ts";

const [A, B] = [testCluster("a"), testCluster("b")];
const WEB = serviceKey("shop", "web");
const held = (row: Row) => ({ row, version: { incarnation: 1, sequence: 1 } });

test("rows are found by their service, whoever's they are, until the last of them has gone", () => {
  const rows = new HeldRows();
  const [web, slice] = [anExportRow(), anEndpointsRow()];
  rows.set(A, rowKey(web), held(web));
  rows.set(A, rowKey(slice), held(slice));
  rows.set(B, rowKey(web), held(web));
  expect([...rows.services()]).toEqual([WEB]);
  expect(rows.rows(WEB)).toEqual([web, slice, web]);
  rows.remove(A, rowKey(web));
  rows.remove(A, rowKey(slice));
  expect(rows.rows(WEB)).toEqual([web]);
  rows.remove(B, rowKey(web));
  expect([...rows.services()]).toEqual([]);
  expect(rows.rows(WEB)).toEqual([]);
});

test("a row that is put again takes the place of the one before", () => {
  const rows = new HeldRows();
  const [before, after] = [anExportRow(), anExportRow({ createdAtMs: 7 })];
  rows.set(A, rowKey(before), held(before));
  rows.set(A, rowKey(after), held(after));
  expect(rows.rows(WEB)).toEqual([after]);
});

test("a network row belongs to no service", () => {
  const rows = new HeldRows();
  const network = aNetworkRow();
  rows.set(A, NETWORK_ROW_KEY, held(network));
  expect([...rows.services()]).toEqual([]);
  expect(rows.networks()).toEqual(new Map([[A, network]]));
  rows.remove(A, NETWORK_ROW_KEY);
  expect(rows.networks().size).toBe(0);
});
