import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import type { PathStatus, PeerSpec } from "../../api/network/peer.ts";
import { serviceKey } from "../../api/service-key.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { Settable } from "../../runtime/config/settable.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import type { Backend, ReachableSlice } from "../backend.ts";
import type { PathMeasurement, PathProber, ProbeTarget } from "../probe/path-measurement.ts";
import { PortTable } from "../proxy/listen/port-table.ts";
import { proxyBackend } from "../proxy/proxy-backend.ts";
import { underlayBackend } from "../underlay/underlay-backend.ts";
import { DEFAULT_CHOICE_SETTINGS } from "./choose-path.ts";
import { PathSelector } from "./path-selector.ts";
import { NO_PINS, parsePins } from "./pins.ts";

const EAST = clusterId("east");
const WEST = clusterId("west");
const WEB = serviceKey("shop", "web");
const DB = serviceKey("shop", "db");

/** Maps 10.x.y.z to 242.x.y.z: tells apart from the underlay. */
const vxlan: Backend = {
  ...underlayBackend,
  name: "vxlan",
  reach: (_peer, _service, slice) => ({
    ...slice,
    endpoints: slice.endpoints.map((endpoint) => ({
      ...endpoint,
      addresses: endpoint.addresses.map((address) => address.replace(/^10\./, "242.")),
    })),
  }),
};

const SLICE: ReachableSlice = {
  addressType: "IPv4",
  ports: [{ name: "http", protocol: "TCP", port: 80 }],
  endpoints: [{ addresses: ["10.2.0.7"], ready: true, serving: true, terminating: false }],
};

class FakeProber implements PathProber {
  targets: readonly ProbeTarget[] = [];
  readonly measured = new Map<string, PathMeasurement>();
  readonly #listeners = new Set<(key: string) => void>();

  setTargets(targets: readonly ProbeTarget[]): void {
    this.targets = targets;
  }

  measurement(key: string): PathMeasurement | undefined {
    if (!this.targets.some((target) => target.key === key)) return undefined;
    return (
      this.measured.get(key) ?? {
        state: "unknown",
        sinceMs: 0,
        reason: "not measured yet",
        rttMs: undefined,
        lossPercent: undefined,
        mtu: undefined,
      }
    );
  }

  subscribe(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  say(key: string, state: "up" | "down"): void {
    const base = { sinceMs: 0, reason: `it is ${state}`, lossPercent: 0, mtu: 1_500 };
    this.measured.set(key, { ...base, state, rttMs: 3 });
    for (const listener of this.#listeners) listener(key);
  }
}

let clock: VirtualClock;
let prober: FakeProber;
let peers: ObjectStore<KubeObject>;
let reports: ObjectStore<KubeObject>;
let settings: Settable<ConstructorParameters<typeof PathSelector>[0]["settings"]["current"]>;
let stopping: AbortController;
let told: ClusterId[][];

beforeEach(() => {
  clock = new VirtualClock();
  prober = new FakeProber();
  peers = new ObjectStore<KubeObject>({}, { log: silentLogger });
  reports = new ObjectStore<KubeObject>({}, { log: silentLogger });
  settings = new Settable({ choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS });
  stopping = new AbortController();
  told = [];
});

afterEach(() => stopping.abort());

function start(
  podCidrs: readonly string[] = ["10.1.0.0/16"],
  backends: readonly Backend[] = [underlayBackend, vxlan],
): PathSelector {
  const selector = new PathSelector({
    backends,
    peers,
    reports,
    own: unchanging({
      cluster: EAST,
      podCidrs,
      globalPrefixes: [{ cidr: "10.1.0.0/16", global: "242.1.0.0/16" }],
      overlay: undefined,
    }),
    settings,
    prober,
    clock,
    log: silentLogger,
  });
  selector.subscribe((changed) => told.push([...changed]));
  selector.start(stopping.signal);
  return selector;
}

let version = 0;
function nextVersion(): string {
  version += 1;
  return String(version);
}

const UNDERLAY = "west/underlay/10.2.0.2:7946";
const VXLAN = "west/vxlan/10.2.0.2:7946";

function aPeer(spec: Partial<PeerSpec> = {}, status?: object): KubeObject {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "Peer",
    metadata: { name: "west", resourceVersion: nextVersion() },
    spec: {
      cluster: WEST,
      podCidrs: ["10.2.0.0/16"],
      serviceCidrs: [],
      globalPrefixes: [{ cidr: "10.2.0.0/16", global: "242.2.0.0/16" }],
      nodePrefixes: [],
      backends: ["underlay", "vxlan"],
      responders: ["10.2.0.2:7946"],
      gateways: [{ node: "g", endpoints: ["192.0.2.1"], port: 4790, tunnelAddresses: [] }],
      proxies: [],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  } as KubeObject;
}

function aReport(state: PathStatus["state"], backend: BackendName = "vxlan"): KubeObject {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name: "gateway-1", resourceVersion: nextVersion() },
    spec: {
      role: "gateway",
      endpoints: [],
      paths: [{ peer: WEST, backend, state, rttMs: 7 }],
      renewedAt: new Date(clock.nowMs()).toISOString(),
    },
  } as KubeObject;
}

function aProxy(name: string, clientAddress: string, state: PathStatus["state"]): KubeObject {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name, resourceVersion: nextVersion() },
    spec: {
      role: "proxy",
      endpoints: [],
      clientAddresses: [clientAddress],
      paths: [{ peer: WEST, backend: "proxy", state }],
      renewedAt: new Date(clock.nowMs()).toISOString(),
    },
  } as KubeObject;
}

function proxied(proxies: () => readonly string[]): Backend {
  return proxyBackend({ localProxies: proxies, ports: new PortTable() });
}

function address(selector: PathSelector, service = WEB): string | undefined {
  return selector.reach(WEST, service, SLICE)?.endpoints[0]?.addresses[0];
}

describe("PathSelector", () => {
  test("nothing known of a peer: its addresses as they are, neither alive nor dead", () => {
    const selector = start();
    expect(address(selector)).toBe("10.2.0.7");
    expect(selector.health(WEST)).toBe("unknown");
    expect(selector.status(WEST)).toBeUndefined();
  });

  test("probes go the way of each backend, and decide", () => {
    const selector = start();
    peers.put(aPeer());
    expect(prober.targets).toEqual([
      { key: UNDERLAY, cluster: WEST, address: "10.2.0.2", port: 7946 },
      { key: VXLAN, cluster: WEST, address: "242.2.0.2", port: 7946 },
    ]);
    expect(selector.health(WEST)).toBe("unknown");
    prober.say(UNDERLAY, "up");
    expect(selector.health(WEST)).toBe("alive");
    expect(address(selector)).toBe("10.2.0.7");
    prober.say(VXLAN, "up");
    prober.say(UNDERLAY, "down");
    expect(address(selector)).toBe("242.2.0.7");
    expect(selector.health(WEST)).toBe("alive");
    prober.say(VXLAN, "down");
    expect(selector.health(WEST)).toBe("dead");
    // The last way stays: its dataplane may come back, and it may be all that is left.
    expect(address(selector)).toBe("242.2.0.7");
    expect(told.length).toBeGreaterThan(0);
    expect(selector.status(WEST)).toMatchObject({
      backend: "vxlan",
      dead: true,
      paths: [
        { backend: "vxlan", state: "down", rttMs: 3, mtu: 1_500 },
        { backend: "underlay", state: "down", reason: "it is down" },
      ],
    });
  });

  test("overlapping networks are told at once, and nobody is sent there", () => {
    const selector = start(["10.0.0.0/8"]);
    peers.put(aPeer({ backends: ["underlay"] }));
    expect(address(selector)).toBeUndefined();
    expect(selector.health(WEST)).toBe("dead");
    expect(selector.status(WEST)?.paths[0]).toEqual({
      backend: "underlay",
      state: "down",
      reason: "pod networks overlap: 10.0.0.0/8 here, 10.2.0.0/16 in west",
    });
    expect(prober.targets).toEqual([]);
  });

  test("reports count where own probes never got through, and not when they are old", async () => {
    const selector = start();
    peers.put(aPeer({ backends: ["vxlan"] }));
    prober.say(VXLAN, "down");
    expect(selector.health(WEST)).toBe("dead");
    reports.put(aReport("up"));
    expect(selector.health(WEST)).toBe("alive");
    expect(selector.status(WEST)?.paths[0]?.rttMs).toBe(7);
    reports.put(aReport("down"));
    expect(selector.health(WEST)).toBe("dead");
    reports.put(aReport("up"));
    await clock.advance(30_000);
    expect(selector.health(WEST)).toBe("dead");
    reports.put(aReport("up"));
    prober.say(VXLAN, "up");
    prober.say(VXLAN, "down");
    expect(selector.health(WEST)).toBe("dead");
  });

  test("a pinned service goes its own way, dead or alive, whatever its peer does", () => {
    const selector = start();
    peers.put(aPeer());
    prober.say(UNDERLAY, "up");
    prober.say(VXLAN, "down");
    const pins = parsePins(["shop/web=vxlan"]);
    if (!pins.ok) throw new Error(pins.error);
    told = [];
    settings.set({ choice: DEFAULT_CHOICE_SETTINGS, pins: pins.value });
    expect(told).toEqual([[WEST]]);
    expect(address(selector, WEB)).toBe("242.2.0.7");
    expect(selector.health(WEST, WEB)).toBe("dead");
    expect(address(selector, DB)).toBe("10.2.0.7");
    expect(selector.health(WEST, DB)).toBe("alive");
  });

  test("a proxied peer is reached at the proxies with a way to it, and whoever asks is told when these change", async () => {
    settings.set({ choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS });
    const selector = start([], [proxied(() => selector.proxies(WEST))]);
    peers.put(aPeer({ backends: ["proxy"], responders: [] }));
    expect(selector.status(WEST)?.reason).toBe("proxy: no proxy of this cluster has reported yet");
    expect(address(selector)).toBeUndefined();
    reports.put(aProxy("p1", "10.1.0.11", "up"));
    expect(selector.health(WEST)).toBe("alive");
    expect(address(selector)).toBe("10.1.0.11");
    told = [];
    reports.put(aProxy("p2", "10.1.0.12", "unknown"));
    expect(address(selector)).toBe("10.1.0.11");
    reports.put(aProxy("p1", "10.1.0.11", "down"));
    reports.put(aProxy("p2", "10.1.0.12", "up"));
    expect(address(selector)).toBe("10.1.0.12");
    expect(told).toContainEqual([WEST]);
    reports.put(aProxy("p1", "10.1.0.11", "up"));
    expect(selector.proxies(WEST)).toEqual(["10.1.0.11", "10.1.0.12"]);
    // None renews its report: nobody is better than the other, and what was written stays (decision 5).
    await clock.advance(30_000);
    expect(selector.proxies(WEST)).toEqual(["10.1.0.11", "10.1.0.12"]);
    expect(selector.health(WEST)).toBe("unknown");
    reports.remove("p2");
    expect(address(selector)).toBe("10.1.0.11");
  });

  test("a peer whose global addresses are others now is told", () => {
    const selector = start();
    peers.put(aPeer());
    prober.say(VXLAN, "up");
    told = [];
    peers.put(aPeer({ globalPrefixes: [{ cidr: "10.2.0.0/16", global: "242.9.0.0/16" }] }));
    expect(told).toEqual([[WEST]]);
    expect(selector.facts(WEST)?.globalPrefixes[0]?.global).toBe("242.9.0.0/16");
  });

  test("what was in use before a restart is used until something is known", () => {
    peers.put(aPeer({}, { backend: "vxlan", since: "2025-01-01T00:00:00Z", paths: [] }));
    const selector = start();
    expect(address(selector)).toBe("242.2.0.7");
    expect(selector.status(WEST)?.since).toBe("2025-01-01T00:00:00Z");
    prober.say(UNDERLAY, "up");
    // A while for vxlan to be measured as well, then what is up.
    expect(address(selector)).toBe("242.2.0.7");
  });

  test("own writes of a status are no news; a peer that leaves is forgotten", () => {
    const selector = start();
    peers.put(aPeer());
    told = [];
    peers.put(aPeer({}, { backend: "underlay", paths: [] }));
    expect(told).toEqual([]);
    peers.remove("west");
    expect(told).toEqual([[WEST]]);
    expect(prober.targets).toEqual([]);
    expect(selector.status(WEST)).toBeUndefined();
  });
});

function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
