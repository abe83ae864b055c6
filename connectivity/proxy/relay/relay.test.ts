import { expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { RelayOpen } from "../frame/open-header.ts";
import { SessionPair } from "../stream/session-pair.fixture.ts";
import { PeerTunnels } from "../tunnel/peer-tunnels.ts";
import type { Tunnel } from "../tunnel/tunnel.ts";
import { Relay } from "./relay.ts";
import type { Route } from "./route-table.ts";
import { encodeRoutes } from "./routes-payload.ts";

const id = (name: string): ClusterId => name as ClusterId;
const routeTo = (to: string, ...path: string[]): Route => ({
  to: id(to),
  cost: 20,
  path: path.map(id),
});
const header: RelayOpen = { kind: "relay", to: "east", from: "west", hopsLeft: 3 };

/** One proxy of member west, with direct tunnels to proxies of others, all over one session. */
class World {
  readonly pair = new SessionPair();
  readonly peers = new Map<ClusterId, PeerTunnels>();
  /** Proxies that were asked to relay, in order. */
  readonly asked: string[] = [];
  readonly relay = new Relay(id("west"), {
    mayRelay: () => true,
    tunnelsOf: (peer) => this.peers.get(peer),
    onTunnelFor: () => undefined,
  });

  tunnel(peer: string, proxy: string): Tunnel {
    const tunnel = {
      ...{
        facts: { peer: id(peer), path: "direct" },
        canOpen: true,
        isLate: false,
        streamCount: 0,
      },
      open: (asked: RelayOpen) => {
        this.asked.push(proxy);
        return this.pair.a.session.open(asked);
      },
    } as unknown as Tunnel;
    const tunnels = this.peers.get(id(peer)) ?? new PeerTunnels(id(peer));
    tunnels.add(tunnel);
    this.peers.set(id(peer), tunnels);
    this.relay.refresh(tunnels);
    return tunnel;
  }

  /** Asks a neighbour for a way to east. */
  async connect(via: string): Promise<void> {
    const connecting = this.relay.connect(id("east"), id(via), new AbortController().signal);
    this.pair.settle();
    const connected = await connecting;
    if (!connected.ok) throw new Error(connected.error);
    connected.value.destroy();
  }
}

test("of a neighbour's proxies the one that knows the way is asked, and no way is left when it is gone", async () => {
  const world = new World();
  const one = world.tunnel("near", "near-1");
  const two = world.tunnel("near", "near-2");
  world.relay.onRoutes(two, encodeRoutes([routeTo("east", "near")]));
  world.relay.onRoutes(one, encodeRoutes([routeTo("north", "near")]));
  expect(world.relay.waysTo(id("east"))).toEqual(["near"]);
  expect(world.relay.waysTo(id("north"))).toEqual(["near"]);
  await world.connect("near");
  expect(world.asked).toEqual(["near-2"]);
  world.peers.get(id("near"))?.remove(two);
  world.relay.gather(id("near"));
  expect(world.relay.waysTo(id("east"))).toEqual([]);
});

test("ways through several neighbours are kept at once, each asked for itself", async () => {
  const world = new World();
  for (const via of ["near", "far"]) {
    world.relay.onRoutes(world.tunnel(via, via), encodeRoutes([routeTo("east", via)]));
  }
  expect(world.relay.waysTo(id("east"))).toEqual(["far", "near"]);
  await world.connect("near");
  await world.connect("far");
  expect(world.asked).toEqual(["near", "far"]);
});

test("a tunnel is not carried on by a way that leads back to who asks, or to whom it is from", () => {
  const world = new World();
  const [back, around, on] = ["north", "near", "far"].map((peer) => world.tunnel(peer, peer));
  if (back === undefined || around === undefined || on === undefined) throw new Error("three");
  const ask = (): void => {
    const stream = world.pair.a.session.open(header);
    if (stream === undefined) throw new Error("no stream");
    world.relay.onStream(stream, { ...header, from: "south" }, id("north"));
  };
  world.relay.onRoutes(back, encodeRoutes([routeTo("east", "north")]));
  world.relay.onRoutes(around, encodeRoutes([routeTo("east", "near", "south")]));
  ask();
  expect(world.asked).toEqual([]);
  world.relay.onRoutes(on, encodeRoutes([routeTo("east", "far", "middle", "other")]));
  ask();
  expect(world.asked).toEqual(["far"]);
});
