import { expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import type { ServiceTraffic } from "../../api/network/proxy-traffic.ts";
import { trafficLines, trafficText } from "./traffic-lines.ts";

const parsed = parseClusterId("west");
if (!parsed.ok) throw new Error(parsed.error);

const LINE: ServiceTraffic = {
  ...{ peer: parsed.value, service: "shop/web", direction: "out" as const },
  ...{ open: 1, connections: 10, failed: 2, bytesFromTunnel: 4_200_000, bytesToTunnel: 999 },
  errors: { timeout: 1, refused: 1 },
  connectMs: { p50: 2, p99: 9.5 },
};

test("a line per service, peer and direction, over all proxies; of latencies the worst", () => {
  const { connectMs: _none, ...withoutLatency } = LINE;
  const other = { ...withoutLatency, errors: { timeout: 3 } };
  const back = { ...LINE, direction: "in" as const, errors: {} };
  const hostile = { ...other, service: "", direction: "in" as const, bytesFromTunnel: 0 };
  const slow = { ...LINE, connectMs: { p50: 1, p99: 70 } };
  expect(trafficText(trafficLines([[LINE, back, hostile], [other], [slow]]))).toEqual([
    "",
    "CARRIED         PEER  CLIENTS  OPEN  MADE  TO SERVER  TO CLIENT  CONNECT P50/P99  FAILED",
    "(not exported)  west  there    1     10    0 B        999 B      -                timeout 3",
    "shop/web        west  there    1     10    4.2 MB     999 B      2/9.5 ms         -",
    "shop/web        west  here     3     30    3.0 kB     13 MB      2/70 ms          timeout 5, refused 2",
  ]);
});

test("without a proxy there is nothing to say", () => {
  expect(trafficText(trafficLines([]))).toEqual([]);
});
