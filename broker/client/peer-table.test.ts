import { expect, test } from "vitest";
import { MemberPresence_State } from "../../api/broker/broker.gen.ts";
import { LIMITS } from "../wire/limits.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { PeerTable } from "./peer-table.ts";

const { CONNECTED, DISCONNECTED, LEFT } = MemberPresence_State;
const [a, b] = [testCluster("a"), testCluster("b")];

function member(clusterId: string, state: MemberPresence_State, disconnectedMs = 0) {
  return { clusterId, incarnation: 1, state, disconnectedMs };
}

test("a whole list replaces what was told, others add to it", () => {
  const table = new PeerTable();
  table.take({ whole: true, members: [member("a", CONNECTED)] }, 1_000);
  const more = table.take({ whole: false, members: [member("b", DISCONNECTED, 300)] }, 1_000);
  expect(more).toEqual({ ok: true, value: new Set([b]) });
  expect([...table.all()]).toEqual([
    [a, { kind: "connected" }],
    [b, { kind: "disconnected", sinceMs: 700 }],
  ]);
  const anew = table.take({ whole: true, members: [member("b", LEFT)] }, 2_000);
  expect(anew).toEqual({ ok: true, value: new Set([b, a]) });
  expect([table.get(a), table.get(b)]).toEqual([undefined, { kind: "left" }]);
});

test("a state that is not known here says nothing of the cluster", () => {
  const table = new PeerTable();
  table.take({ whole: true, members: [member("a", CONNECTED)] }, 0);
  table.take({ whole: false, members: [member("a", 99 as MemberPresence_State)] }, 0);
  expect(table.get(a)).toBeUndefined();
});

test.each([
  ["a name that is none", [member("Not A Name", CONNECTED)], /cluster id/],
  [
    "more clusters than there may be",
    Array.from({ length: LIMITS.knownOwners + 1 }, (_, at) => member(`c${at}`, CONNECTED)),
    /at most 5000: got 5001/,
  ],
])("%s is refused, and what was known stays", (_what, members, message) => {
  const table = new PeerTable();
  table.take({ whole: true, members: [member("a", CONNECTED)] }, 0);
  const taken = table.take({ whole: true, members }, 0);
  expect(taken.ok ? "" : taken.error).toMatch(message);
  expect(table.get(a)).toEqual({ kind: "connected" });
});
