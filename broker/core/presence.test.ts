import { expect, test } from "vitest";
import { MemberPresence_State } from "../../api/broker/broker.gen.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { BrokerTable } from "./broker-table.ts";
import { Presence } from "./presence.ts";
import { PresenceTeller } from "./presence-teller.ts";

const [a, b, c] = [testCluster("a"), testCluster("b"), testCluster("c")];

test("time without a stream counts from its end, and never from before the broker started", () => {
  const presence = new Presence(1_000);
  expect(presence.of(a, 4_000)).toEqual({ kind: "disconnected", forMs: 3_000 });
  expect(presence.connected(a)).toBe(true);
  expect(presence.connected(a)).toBe(false);
  expect(presence.of(a, 9_000)).toEqual({ kind: "connected" });
  expect(presence.disconnected(a, 10_000)).toBe(true);
  expect(presence.disconnected(a, 11_000)).toBe(false);
  expect(presence.of(a, 12_500)).toEqual({ kind: "disconnected", forMs: 2_500 });
});

test("a member that is connected to another replica is connected, and moves without being missed", () => {
  const presence = new Presence(0);
  expect(presence.elsewhere(new Set([a]), 100)).toEqual([a]);
  expect(presence.of(a, 100)).toEqual({ kind: "connected" });
  // From there to here: known twice for a moment, and no news.
  expect(presence.connected(a)).toBe(false);
  expect(presence.elsewhere(new Set(), 200)).toEqual([]);
  // And back: missed until the other replica has told.
  expect(presence.disconnected(a, 300)).toBe(true);
  expect(presence.elsewhere(new Set([a]), 400)).toEqual([a]);
  expect(presence.elsewhere(new Set([a]), 500)).toEqual([]);
  expect(presence.elsewhere(new Set(), 600)).toEqual([a]);
  expect(presence.of(a, 1_600)).toEqual({ kind: "disconnected", forMs: 1_000 });
});

test("a member is told of everybody first, then of what changes, as it is by then", () => {
  const table = new BrokerTable();
  const presence = new Presence(0);
  for (const [cluster, incarnation] of [
    [a, 1],
    [b, 3],
  ] as const) {
    table.apply({
      kind: "member",
      member: { cluster, incarnation, joinedAtMs: 0, certificateSerial: "01" },
    });
  }
  table.apply({ kind: "gone", cluster: c, incarnation: 7 });
  const teller = new PresenceTeller(a, table, presence);
  expect(teller.next(0)).toBeUndefined();
  teller.start();
  const said = (clusterId: string, incarnation: number, state: MemberPresence_State, ms = 0) => ({
    clusterId,
    incarnation,
    state,
    disconnectedMs: ms,
  });
  expect(teller.next(500)).toEqual({
    whole: true,
    members: [
      said("b", 3, MemberPresence_State.DISCONNECTED, 500),
      said("c", 7, MemberPresence_State.LEFT),
    ],
  });
  expect(teller.next(600)).toBeUndefined();
  presence.connected(b);
  presence.disconnected(b, 700);
  presence.connected(b);
  teller.changed(b);
  teller.changed(a);
  expect(teller.next(800)).toEqual({
    whole: false,
    members: [said("b", 3, MemberPresence_State.CONNECTED)],
  });
});

test("a large clusterset is told in messages of bounded size", () => {
  const table = new BrokerTable();
  for (let at = 0; at < 4_500; at++) {
    table.apply({ kind: "gone", cluster: testCluster(`c${at}`), incarnation: 1 });
  }
  const teller = new PresenceTeller(a, table, new Presence(0));
  teller.start();
  const messages = [teller.next(0), teller.next(0), teller.next(0), teller.next(0)];
  expect(messages.map((message) => [message?.whole, message?.members.length])).toEqual([
    [true, 2000],
    [false, 2000],
    [false, 500],
    [undefined, undefined],
  ]);
});
