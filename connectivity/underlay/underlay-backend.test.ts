import { expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import { serviceKey } from "../../api/service-key.ts";
import { describeBackend } from "../backend.compliance.ts";
import { underlayBackend } from "./underlay-backend.ts";

describeBackend("underlay", () => underlayBackend);

test("addresses are what they are, both ways", () => {
  const endpoint = {
    family: "IPv4" as const,
    endpoint: { addresses: ["10.1.2.3"], ready: true, serving: true, terminating: false },
  };
  const peer = parseClusterId("peer");
  if (!peer.ok) throw new Error(peer.error);
  expect(underlayBackend.advertise(endpoint)).toBe(endpoint);
  const slice = { addressType: endpoint.family, ports: [], endpoints: [endpoint.endpoint] };
  expect(underlayBackend.reach(peer.value, serviceKey("shop", "web"), slice)).toBe(slice);
});

test("an unmeasured path is not called up", async () => {
  const peer = parseClusterId("peer");
  if (!peer.ok) throw new Error(peer.error);
  const probed = await underlayBackend.probe(peer.value, new AbortController().signal);
  expect(probed.kind).toBe("not-tested");
});
