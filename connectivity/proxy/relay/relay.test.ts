import { expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import { SessionPair } from "../stream/session-pair.fixture.ts";
import type { PeerTunnels } from "../tunnel/peer-tunnels.ts";
import { Relay } from "./relay.ts";
import { encodeRoutes } from "./routes-payload.ts";

const id = (name: string): ClusterId => name as ClusterId;

test("a relayed tunnel moves to a way that has been cheaper for a while, and is not moved by noise", async () => {
  const rttMs = new Map([
    [id("near"), 5],
    [id("far"), 50],
  ]);
  const pair = new SessionPair();
  const asked: ClusterId[] = [];
  const tunnelsOf = (peer: ClusterId): PeerTunnels => {
    const open = (header: OpenHeader) => {
      asked.push(peer);
      return pair.a.session.open(header);
    };
    const facts = { path: "direct" };
    const tunnels = { peer, hasDirect: true, rttMs: rttMs.get(peer), usable: [{ facts, open }] };
    return tunnels as unknown as PeerTunnels;
  };
  const relay = new Relay(id("west"), {
    mayRelay: () => false,
    tunnelsOf,
    onTunnelFor: () => undefined,
  });
  const look = (times: number): boolean => {
    let isWorth = false;
    for (let n = 0; n < times && !isWorth; n++) {
      for (const peer of rttMs.keys()) relay.refresh(tunnelsOf(peer));
      isWorth = relay.isWorthMoving(id("east"));
    }
    return isWorth;
  };
  look(1);
  for (const via of rttMs.keys()) {
    relay.onRoutes(via, encodeRoutes([{ to: id("east"), cost: 20, path: [via] }]));
  }
  const connect = async (): Promise<void> => {
    const connecting = relay.connect(id("east"), new AbortController().signal);
    pair.settle();
    const connected = await connecting;
    if (!connected.ok) throw new Error(connected.error);
    connected.value.destroy();
  };
  await connect();
  expect(look(100)).toBe(false);
  rttMs.set(id("near"), 200);
  expect(look(5)).toBe(false);
  rttMs.set(id("near"), 5);
  expect(look(100)).toBe(false);
  rttMs.set(id("near"), 200);
  expect(look(100)).toBe(true);
  await connect();
  expect(asked).toEqual(["near", "far"]);
  expect(look(100)).toBe(false);
});
