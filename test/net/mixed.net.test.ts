import { afterAll, beforeAll, expect, test } from "vitest";
import { HTTP, UNEXPORTED } from "./harness/net-service.ts";
import { httpFrom, SILENCE_MS } from "./harness/talk.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

/** A and b share an underlay, c is behind gateways: both ways of one cluster at once, and both to one peer. */
let vxlan: VxlanWorld;

beforeAll(async () => {
  vxlan = await VxlanWorld.build({ clusters: ["a", "b", "c"], underlay: [["a", "b"]] });
  await vxlan.startBackend();
});
afterAll(() => vxlan?.[Symbol.asyncDispose]());

test("a reaches b as it is and c through gateways; so do b and c", async () => {
  const [a, b, c] = ["a", "b", "c"].map((id) => vxlan.world.cluster(id));
  const [serverA, serverB, serverC] = [a, b, c].map((cluster) =>
    vxlan.server(cluster?.plan.nodes.at(-1)),
  );
  const [own = ""] = serverA?.addresses ?? [];
  const [near = ""] = serverB?.addresses ?? [];
  const [far = ""] = serverC?.globalAddresses ?? [];
  for (const client of a?.clients ?? []) {
    // Seen under the pod's own address there, and under its global one here.
    expect(await httpFrom(client, near, HTTP)).toMatchObject({
      cluster: "b",
      client: expect.stringMatching(/^10\.1\.\d\.241$/),
    });
    expect(await httpFrom(client, far, HTTP)).toMatchObject({
      cluster: "c",
      client: expect.stringMatching(/^242\.1\.\d\.241$/),
    });
  }
  for (const client of c?.clients ?? []) {
    const [global = ""] = serverB?.globalAddresses ?? [];
    expect(await httpFrom(client, global, HTTP)).toMatchObject({ cluster: "b" });
    // The underlay is the other pair's.
    expect(await httpFrom(client, own, HTTP, SILENCE_MS)).toMatchObject({ cluster: "ETIMEDOUT" });
  }
});

test("one peer over both: an underlay opens everything, a gateway what is exported", async () => {
  const [client] = vxlan.world.cluster("a").clients;
  const server = vxlan.server(vxlan.world.cluster("b").plan.nodes.at(-1));
  const [near = ""] = server.addresses;
  const [global = ""] = server.globalAddresses;
  expect(await httpFrom(client, global, HTTP)).toMatchObject({ cluster: "b" });
  expect(await httpFrom(client, near, UNEXPORTED)).toMatchObject({ cluster: "b" });
  expect(await httpFrom(client, global, UNEXPORTED)).toMatchObject({ cluster: "ECONNREFUSED" });
});
