import { afterEach, beforeEach, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { ObjectStore } from "../../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { PortKeeper } from "./port-keeper.ts";
import { DEFAULT_PORTS, type ListenerKey, PortTable } from "./port-table.ts";

const WEST = clusterId("west");
const PROXY = "10.1.0.9";
const WEB: ListenerKey = {
  peer: WEST,
  service: serviceKey("shop", "web"),
  port: "http",
  protocol: "TCP",
};

let clock: VirtualClock;
let slices: ObjectStore<EndpointSlice>;
let table: PortTable;
let stopping: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  slices = new ObjectStore<EndpointSlice>({}, { log: silentLogger });
  table = new PortTable();
  stopping = new AbortController();
});

afterEach(() => stopping.abort());

function start(): PortKeeper {
  const keeper = new PortKeeper({ table, slices, proxies: () => [PROXY], clock });
  keeper.start(stopping.signal);
  return keeper;
}

let version = 0;
function aSlice(port: number, { portName = "http", address = PROXY } = {}): EndpointSlice {
  version += 1;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: "shop",
      name: "web-1",
      resourceVersion: String(version),
      labels: { [LABEL_SERVICE_NAME]: "web", [LABEL_SOURCE_CLUSTER]: "west" },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: [address] }],
    ports: [{ name: portName, protocol: "TCP", port }],
  };
}

/** One that no hash of these keys leads to. */
function otherPort(): number {
  const usual = new PortTable().portOf(WEB) ?? 0;
  return usual === DEFAULT_PORTS.first ? usual + 1 : usual - 1;
}

test("a process that starts gives the ports that slices have", () => {
  const port = otherPort();
  slices.put(aSlice(port));
  expect(start().portOf(WEB)).toBe(port);
});

test("a slice that does not lead to the proxies says nothing of their ports", () => {
  const port = otherPort();
  slices.put(aSlice(port, { address: "10.2.0.7" }));
  expect(start().portOf(WEB)).not.toBe(port);
});

test("a port keeps its number over a restart though the merge has named it anew (CON-24)", () => {
  const port = new PortTable().portOf(WEB) ?? 0;
  slices.put(aSlice(port, { portName: "p-80-tcp" }));
  expect(start().portOf(WEB)).toBe(port);
  expect(table.size).toBe(1);
});

test("ports are free again some time after no slice names them, and not while one does", async () => {
  const keeper = start();
  const port = keeper.portOf(WEB) ?? 0;
  slices.put(aSlice(port));
  await clock.advance(3_600_000);
  expect(table.known(WEB)).toBe(port);
  slices.remove("shop/web-1");
  await clock.advance(600_000);
  expect(table.size).toBe(0);
});

test("a port that was asked for lately is nobody else's though its slice is not written yet", async () => {
  const keeper = start();
  await clock.advance(299_000);
  keeper.portOf(WEB);
  await clock.advance(300_000);
  expect(table.size).toBe(1);
  await clock.advance(300_000);
  expect(table.size).toBe(0);
});

function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
