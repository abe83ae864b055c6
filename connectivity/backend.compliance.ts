import { describe, expect, test } from "vitest";
import { parseClusterId } from "../api/cluster-id.ts";
import { serviceKey } from "../api/service-key.ts";
import type { AddressedEndpoint, Backend, ReachableSlice } from "./backend.ts";

const PEER = peerId();
const SERVICE = serviceKey("shop", "web");
const { signal } = new AbortController();

const ENDPOINTS: readonly AddressedEndpoint[] = [
  {
    family: "IPv4",
    endpoint: { addresses: ["10.1.2.3"], ready: true, serving: true, terminating: false },
  },
  {
    family: "IPv6",
    endpoint: {
      addresses: ["fd00:10:1::2"],
      ready: false,
      serving: true,
      terminating: true,
      hostname: "db-0",
      zone: "z1",
    },
  },
];

/** What every backend must keep to, whatever its network: run by each adapter's own test. */
export function describeBackend(name: string, make: () => Backend): void {
  describe(`${name} keeps the backend's contract`, () => {
    test.each(ENDPOINTS)(
      "mapping is pure: twice the same, input untouched ($family)",
      (endpoint) => {
        const backend = make();
        const frozen = deepFreeze(structuredClone(endpoint));
        const slice = deepFreeze(sliceOf(frozen));
        expect(backend.advertise(frozen)).toEqual(backend.advertise(frozen));
        expect(backend.reach(PEER, SERVICE, slice)).toEqual(backend.reach(PEER, SERVICE, slice));
        expect(frozen).toEqual(endpoint);
        expect(slice).toEqual(sliceOf(endpoint));
      },
    );

    test.each(ENDPOINTS)("what travels to peers keeps its address ($family)", (endpoint) => {
      const advertised = make().advertise(endpoint);
      if (advertised !== undefined) expect(advertised).toEqual(endpoint);
    });

    test.each(ENDPOINTS)(
      "only addresses and ports may change: state, hostname and zone stay ($family)",
      (given) => {
        const slice = sliceOf(given);
        const reached = make().reach(PEER, SERVICE, slice);
        expect(reached?.ports.map(nameOf) ?? []).toEqual(
          reached === undefined ? [] : slice.ports.map(nameOf),
        );
        for (const endpoint of reached?.endpoints ?? []) {
          const { addresses, ...rest } = endpoint;
          const { addresses: _given, ...want } = given.endpoint;
          expect(rest).toEqual(want);
          expect(addresses.length).toBeGreaterThan(0);
        }
      },
    );

    test("applying the same state twice, then nothing, then cleaning up twice, is fine", async () => {
      const backend = make();
      const state = { peers: [{ cluster: PEER, cidrs: ["10.2.0.0/16"] }] };
      await backend.apply(state, signal);
      await backend.apply(state, signal);
      await backend.apply({ peers: [] }, signal);
      await backend.cleanup(signal);
      await backend.cleanup(signal);
    });

    test("a probe never claims more than it measured", async () => {
      const probed = await make().probe(PEER, signal);
      if (probed.kind === "up") expect(probed.rttMs).toBeGreaterThan(0);
      else expect(probed.reason).not.toBe("");
    });
  });
}

function sliceOf({ family, endpoint }: AddressedEndpoint): ReachableSlice {
  return {
    addressType: family,
    ports: [
      { name: "http", protocol: "TCP", port: 8080 },
      { name: "", protocol: "UDP", port: 53 },
    ],
    endpoints: [endpoint],
  };
}

function nameOf({ name, protocol }: ReachableSlice["ports"][number]): string {
  return `${name}/${protocol}`;
}

function peerId(): Parameters<Backend["reach"]>[0] {
  const parsed = parseClusterId("peer");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
