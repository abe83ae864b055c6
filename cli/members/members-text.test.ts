import { expect, test } from "vitest";
import type { MemberReport } from "../../broker/admin/admin-api.ts";
import { judgeMembers } from "./judge-members.ts";
import { membersText } from "./members-text.ts";

const east: MemberReport = {
  cluster: "east",
  incarnation: 1767225600000,
  state: "connected",
  joinedAt: "2026-01-01T00:00:00.000Z",
  certificateExpiresAt: "2026-01-02T00:00:00.000Z",
  since: "2026-01-01T00:00:05.123Z",
  rows: { exports: 3, endpoints: 12 },
  globals: [
    { use: "10.0.0.0/16", global: "242.0.0.0/16" },
    { use: "nodes/IPv4", global: "242.1.0.0/24" },
  ],
  refusedWrites: 0,
};
const north: MemberReport = { ...east, cluster: "north", state: "disconnected", silentSeconds: 59 };
const south: MemberReport = { ...north, cluster: "south", silentSeconds: 7200 };
const west: MemberReport = {
  cluster: "west-with-a-long-name",
  incarnation: 1767225600001,
  state: "revoked",
  joinedAt: "2026-01-01T00:00:00.000Z",
  rows: { exports: 0, endpoints: 0 },
  globals: [],
  refusedWrites: 7,
};

test("a line per member, columns aligned, what is not known as a dash", () => {
  expect(
    membersText({ clusterset: "prod", members: judgeMembers([east, north, south, west], 60_000) }),
  ).toBe(
    [
      "clusterset prod: 4 members",
      "CLUSTER                STATE         LIVENESS     SINCE                 EXPORTS  ENDPOINTS  REFUSED  CERTIFICATE UNTIL     JOINED                INCARNATION    GLOBAL",
      "east                   connected     alive        2026-01-01T00:00:05Z  3        12         0        2026-01-02T00:00:00Z  2026-01-01T00:00:00Z  1767225600000  242.0.0.0/16,242.1.0.0/24",
      "north                  disconnected  suspect 59s  2026-01-01T00:00:05Z  3        12         0        2026-01-02T00:00:00Z  2026-01-01T00:00:00Z  1767225600000  242.0.0.0/16,242.1.0.0/24",
      "south                  disconnected  gone 2h      2026-01-01T00:00:05Z  3        12         0        2026-01-02T00:00:00Z  2026-01-01T00:00:00Z  1767225600000  242.0.0.0/16,242.1.0.0/24",
      "west-with-a-long-name  revoked       -            -                     0        0          7        -                     2026-01-01T00:00:00Z  1767225600001  -",
    ].join("\n"),
  );
});

test("nobody is no table", () => {
  expect(membersText({ clusterset: "prod", members: [] })).toBe("clusterset prod: 0 members");
});
