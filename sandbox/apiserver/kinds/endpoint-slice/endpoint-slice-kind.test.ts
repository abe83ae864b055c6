import { expect, test } from "vitest";
import type { JsonObject } from "../../object/json.ts";
import { accepted, causes, KindTrial } from "../kind-trial.ts";
import { ENDPOINT_SLICE } from "./endpoint-slice-kind.ts";

function slice(fields: JsonObject): JsonObject {
  return { apiVersion: "discovery.k8s.io/v1", addressType: "IPv4", ...fields };
}

function endpoint(address: string, fields: JsonObject = {}): JsonObject {
  return slice({ endpoints: [{ addresses: [address], ...fields }] });
}

test.each<[string, JsonObject, JsonObject]>([
  [
    "a minimal slice",
    slice({ endpoints: [{ addresses: ["10.9.0.2"] }], ports: [{}] }),
    {
      endpoints: [{ addresses: ["10.9.0.2"], conditions: {} }],
      ports: [{ name: "", protocol: "TCP" }],
    },
  ],
  ["null lists", slice({ endpoints: null, ports: null }), { endpoints: null, ports: null }],
  [
    "empty lists, as they are read back",
    slice({ endpoints: [], ports: [] }),
    { endpoints: null, ports: null },
  ],
  [
    "conditions that are false",
    endpoint("10.9.0.2", { conditions: { ready: false } }),
    { endpoints: [{ addresses: ["10.9.0.2"], conditions: { ready: false } }] },
  ],
])("%s", (_name, body, want) => {
  expect(accepted(new KindTrial(ENDPOINT_SLICE).create(body))).toMatchObject(want);
});

test.each<[string, JsonObject, string]>([
  [
    "loopback",
    endpoint("127.0.0.1"),
    'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    "link-local",
    endpoint("169.254.169.254"),
    'endpoints[0].addresses[0]: Invalid value: "169.254.169.254": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  ],
  [
    "multicast",
    endpoint("224.0.0.1"),
    'endpoints[0].addresses[0]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  ],
  [
    "unspecified",
    endpoint("0.0.0.0"),
    'endpoints[0].addresses[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0 or ::)',
  ],
  [
    "no address at all",
    endpoint("1.2.3"),
    'endpoints[0].addresses[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    "the other family",
    endpoint("2001:db8::1"),
    'endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address',
  ],
  [
    "mapped loopback",
    { ...endpoint("::ffff:127.0.0.1"), addressType: "IPv6" },
    'endpoints[0].addresses[0]: Invalid value: "::ffff:127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    "no addresses",
    slice({ endpoints: [{ addresses: [] }] }),
    "endpoints[0].addresses: Required value: must contain at least 1 address",
  ],
  ["no type", { apiVersion: "discovery.k8s.io/v1" }, "addressType: Required value"],
  [
    "a bad type",
    slice({ addressType: "IPX" }),
    'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"',
  ],
  [
    "two ports of one name",
    slice({
      ports: [
        { name: "a", port: 1 },
        { name: "a", port: 2 },
      ],
    }),
    'ports[1].name: Duplicate value: "a"',
  ],
  [
    "1001 endpoints",
    slice({ endpoints: Array.from({ length: 1001 }, () => ({ addresses: ["10.0.0.1"] })) }),
    "endpoints: Too many: 1001: must have at most 1000 items",
  ],
])("refuses %s", (_name, body, want) => {
  expect(causes(new KindTrial(ENDPOINT_SLICE).create(body))).toEqual([want]);
});

test("the address type is immutable, and only that is said when the endpoints stay", () => {
  const trial = new KindTrial(ENDPOINT_SLICE);
  const old = accepted(trial.create(endpoint("10.9.0.1")));
  expect(causes(trial.update({ ...old, addressType: "IPv6" }, old))).toEqual([
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

test("generation counts changes of the content and of labels, not of annotations", () => {
  const trial = new KindTrial(ENDPOINT_SLICE);
  const old = accepted(trial.create(endpoint("10.9.0.1")));
  const labelled = { ...old, metadata: { ...Object(old["metadata"]), labels: { a: "b" } } };
  expect(accepted(trial.update(labelled, old))).toMatchObject({ metadata: { generation: 2 } });
  const noted = { ...old, metadata: { ...Object(old["metadata"]), annotations: { a: "b" } } };
  expect(accepted(trial.update(noted, old))).toMatchObject({ metadata: { generation: 1 } });
  const moved = { ...old, endpoints: [{ addresses: ["10.9.0.2"] }] };
  expect(accepted(trial.update(moved, old))).toMatchObject({ metadata: { generation: 2 } });
});
