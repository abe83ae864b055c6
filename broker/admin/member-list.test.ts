import { expect, test } from "vitest";
import { parseCidr } from "../../api/network/cidr.ts";
import { BrokerTable } from "../core/broker-table.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { MemberActivity } from "../server/member-activity.ts";
import { aRow } from "../store/store-compliance.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { listMembers } from "./member-list.ts";

const DAY = 24 * 3600_000;
const [a, b, c, d] = ["a", "b", "c", "d"].map(testCluster) as [
  ReturnType<typeof testCluster>,
  ReturnType<typeof testCluster>,
  ReturnType<typeof testCluster>,
  ReturnType<typeof testCluster>,
];

test("says of every member, by name, who is where, until when, with how many rows", () => {
  const table = new BrokerTable();
  const member = { incarnation: 1, joinedAtMs: 0, certificateSerial: "01" };
  const records: StoreRecord[] = [
    { kind: "member", member: { ...member, cluster: d, frozenAtMs: 5 } },
    { kind: "member", member: { ...member, cluster: c } },
    { kind: "member", member: { ...member, cluster: b } },
    { kind: "member", member: { ...member, cluster: a, certificateExpiresAtMs: DAY } },
    aRow(1, "web"),
    aRow(2, "db"),
  ];
  for (const record of records) table.apply(record);
  const activity = new MemberActivity();
  activity.refused(a);
  activity.connected(a, 1000);
  activity.connected(b, 1000);
  activity.refused(b);
  activity.refused(b);
  activity.ended(b, 2000);
  const listed = listMembers({
    table,
    activity: (cluster) => activity.of(cluster),
    silentMs: (cluster) => (cluster === b ? 3999 : undefined),
    elsewhere: new Map([[c, {}]]),
    globals: [aPrefix(a, undefined), aPrefix(b, 7)],
  });
  const common = { incarnation: 1, joinedAt: "1970-01-01T00:00:00.000Z" };
  const none = { exports: 0, endpoints: 0 };
  expect(listed).toEqual([
    {
      ...common,
      cluster: "a",
      state: "connected",
      since: "1970-01-01T00:00:01.000Z",
      certificateExpiresAt: "1970-01-02T00:00:00.000Z",
      rows: { exports: 2, endpoints: 0 },
      globals: [{ use: "10.0.0.0/16", global: "242.0.0.0/16" }],
      refusedWrites: 1,
    },
    {
      ...common,
      cluster: "b",
      state: "disconnected",
      since: "1970-01-01T00:00:02.000Z",
      silentSeconds: 3,
      rows: none,
      globals: [],
      refusedWrites: 2,
    },
    { ...common, cluster: "c", state: "elsewhere", rows: none, globals: [], refusedWrites: 0 },
    { ...common, cluster: "d", state: "revoked", rows: none, globals: [], refusedWrites: 0 },
  ]);
});

/** One that is not needed any more is not shown. */
function aPrefix(cluster: ReturnType<typeof testCluster>, unusedSinceMs: number | undefined) {
  const global = parseCidr("242.0.0.0/16");
  if (!global.ok) throw new Error(global.error);
  return { cluster, use: "10.0.0.0/16", global: global.value, isFixed: false, unusedSinceMs };
}
