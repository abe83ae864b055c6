import { describe, expect, test } from "vitest";
import type { Network, Row as RowMessage } from "../../api/broker/broker.gen.ts";
import { decodeRow } from "./decode-row.ts";
import { encodeRow } from "./encode-row.ts";
import { testCluster } from "./row-arbitrary.ts";
import { aGateway, aNetworkRow } from "./test-rows.ts";

const a = testCluster("a");

function networkMessage(change: Partial<Network>): RowMessage {
  const { content, ...rest } = encodeRow(aNetworkRow());
  if (content?.$case !== "network") throw new Error("a network row has a network");
  return { ...rest, content: { $case: "network", value: { ...content.value, ...change } } };
}

function withGateway(change: Partial<Network["gateways"][number]>): RowMessage {
  const gateway = { ...aGateway(), endpoints: ["192.0.2.1"], tunnelAddresses: [] };
  return networkMessage({ gateways: [{ ...gateway, ...change }] });
}

describe("a network row that names what no peer may be told is refused with rule and value (SEC-06)", () => {
  test.each([
    [/must have no namespace and name: got "shop\/"/, { ...networkMessage({}), namespace: "shop" }],
    [/network row must be for all/, { ...networkMessage({}), audience: { clusters: ["b"] } }],
    [
      /pod networks must be at most 64: got 65/,
      networkMessage({ podCidrs: Array(65).fill("10.0.0.0/8") }),
    ],
    [/pod network: .* got "10.1.0.1\/16"/, networkMessage({ podCidrs: ["10.1.0.1/16"] })],
    [
      /pod network must be written fd00::\/8: got "FD00::\/8"/,
      networkMessage({ podCidrs: ["FD00::/8"] }),
    ],
    [
      /pod network must not meet 0.0.0.0\/8: got "0.0.0.0\/0"/,
      networkMessage({ podCidrs: ["0.0.0.0/0"] }),
    ],
    [/service network must not meet 127/, networkMessage({ serviceCidrs: ["127.1.0.0/16"] })],
    [/service network must not meet fe80/, networkMessage({ serviceCidrs: ["fe80::/64"] })],
    [
      /global prefix must not meet 224/,
      networkMessage({ globalPrefixes: [{ cidr: "10.0.0.0/16", global: "224.0.0.0/16" }] }),
    ],
    [
      /family and length of 10.0.0.0\/16: got "242.0.0.0\/17"/,
      networkMessage({ globalPrefixes: [{ cidr: "10.0.0.0/16", global: "242.0.0.0/17" }] }),
    ],
    [
      /node prefixes must be at most 4: got 5/,
      networkMessage({ nodePrefixes: Array(5).fill("242.0.0.0/24") }),
    ],
    [
      /responder must be address:port.*: got "10.0.0.1"/,
      networkMessage({ responders: ["10.0.0.1"] }),
    ],
    [
      /responder: address must not be loopback: got "127.0.0.1"/,
      networkMessage({ responders: ["127.0.0.1:7"] }),
    ],
    [
      /responder: address must not be loopback: got "::1"/,
      networkMessage({ responders: ["[::1]:7"] }),
    ],
    [/responder must be address:port/, networkMessage({ responders: ["10.0.0.1:70000"] })],
    [
      /gateways must be at most 16: got 17/,
      networkMessage({
        gateways: Array.from({ length: 17 }, () => ({
          ...aGateway(),
          endpoints: [],
          tunnelAddresses: [],
        })),
      }),
    ],
    [/node of a gateway must be/, withGateway({ node: "N 1" })],
    [/address must not be multicast: got "224.0.0.1"/, withGateway({ endpoints: ["224.0.0.1"] })],
    [/address must not be link-local: got "fe80::1"/, withGateway({ endpoints: ["fe80::1"] })],
    [/port of a gateway must be 1 to 65535: got 0/, withGateway({ port: 0 })],
    [
      /must lie in the node prefixes: got "242.1.0.1"/,
      withGateway({ tunnelAddresses: ["242.1.0.1"] }),
    ],
    [/must come together/, withGateway({ wgPort: 1 })],
    [/public key must be 32 bytes in base64: got "x"/, withGateway({ publicKey: "x", wgPort: 1 })],
    [/proxy must be host:port.*: got "localhost:1"/, networkMessage({ proxies: ["localhost:1"] })],
    [/proxy must be host:port.*: got "127.0.0.1:1"/, networkMessage({ proxies: ["127.0.0.1:1"] })],
    [/proxy must be host:port.*: got "a.example"/, networkMessage({ proxies: ["a.example"] })],
    [/mesh: must be .* got "A"/, networkMessage({ overlay: { mesh: "A", id: "" } })],
  ])("%s", (error, message) => {
    const decoded = decodeRow(a, message);
    expect(decoded.ok ? "" : decoded.error).toMatch(error);
  });

  test("backends of a later version mean nothing", () => {
    expect(decodeRow(a, networkMessage({ backends: ["warp", "vxlan"] }))).toMatchObject({
      ok: true,
      value: { backends: ["vxlan"] },
    });
  });
});
