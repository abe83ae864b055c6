import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { SERVICE_CIDRS, type ServiceCidr } from "../../api/kube/service-cidr.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeClient, ListPage } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { ServiceNetworkReader } from "./service-networks.ts";

const { signal } = new AbortController();

/** An API server that holds these, or refuses. */
function aServer(holds: readonly (readonly string[])[] | KubeError) {
  const server = { holds, asked: 0 };
  const client: Pick<KubeClient, "list"> = {
    list: <T extends KubeObject>(resource: unknown) => {
      expect(resource).toBe(SERVICE_CIDRS);
      server.asked += 1;
      if ("kind" in server.holds) return Promise.resolve(err(server.holds));
      const items = server.holds.map(
        (cidrs, at): ServiceCidr => ({
          apiVersion: "networking.k8s.io/v1",
          kind: "ServiceCIDR",
          metadata: { name: `s${at}` },
          spec: { cidrs },
        }),
      );
      return Promise.resolve(
        ok({ items, resourceVersion: "1" }) as unknown as Result<ListPage<T>, KubeError>,
      );
    },
  };
  return { server, client, clock: new VirtualClock() };
}

test("what the admin says is said, and the API server is not asked", async () => {
  const { server, ...deps } = aServer([["10.96.0.0/16"]]);
  const reader = new ServiceNetworkReader(["10.97.0.0/16"], deps);
  expect(await reader.current([], signal)).toEqual({ networks: ["10.97.0.0/16"], problems: [] });
  expect(server.asked).toBe(0);
});

test("without that all ServiceCIDR objects count, looked at once a minute", async () => {
  const { server, ...deps } = aServer([["10.96.0.0/16", "FD00:96::/112"], ["10.90.0.0/16"]]);
  const reader = new ServiceNetworkReader([], deps);
  const networks = ["10.90.0.0/16", "10.96.0.0/16", "fd00:96::/112"];
  expect(await reader.current([], signal)).toEqual({ networks, problems: [] });
  server.holds = [["10.96.0.0/16"]];
  expect(await reader.current([], signal)).toEqual({ networks, problems: [] });
  await deps.clock.advance(60_000);
  expect(await reader.current([], signal)).toEqual({ networks: ["10.96.0.0/16"], problems: [] });
  expect(server.asked).toBe(2);
});

test.each([
  { kind: "forbidden", askedAnHourLater: 2 },
  { kind: "no-such-resource", askedAnHourLater: 2 },
  { kind: "unavailable", askedAnHourLater: 3 },
] as const)("$kind: what was said before stands", async ({ kind, askedAnHourLater }) => {
  const { server, ...deps } = aServer({ kind, message: "no" });
  const reader = new ServiceNetworkReader([], deps);
  const known = ["10.96.0.0/16"];
  expect(await reader.current(known, signal)).toEqual({ networks: known, problems: [] });
  await deps.clock.advance(1000);
  await reader.current(known, signal);
  await deps.clock.advance(3_600_000);
  await reader.current(known, signal);
  expect(server.asked).toBe(askedAnHourLater);
});

test("what nobody can have, and too many, is left out and told", async () => {
  const { client, clock } = aServer([]);
  const many = Array.from({ length: 66 }, (_, at) => `10.${at}.0.0/16`);
  const reader = new ServiceNetworkReader(["127.0.0.0/8", "x", ...many], { client, clock });
  const said = await reader.current([], signal);
  expect(said.networks).toHaveLength(64);
  expect(said.problems).toEqual([
    expect.stringMatching(/service network must not meet 127/),
    expect.stringMatching(/address\/prefix length: got "x"/),
    expect.stringMatching(/at most 64: got 66/),
  ]);
});
