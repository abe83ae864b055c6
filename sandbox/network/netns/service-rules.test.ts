import { describe, expect, test } from "vitest";
import { aService, aSlice } from "../../node/testing/builders.ts";
import { deriveForwardingTable } from "../proxy/forwarding-table.ts";
import { serviceRules } from "./service-rules.ts";

const NODE = { nodeName: "node-1" };
const slice = aSlice({
  endpoints: [{ addresses: ["10.1.0.2"] }, { addresses: ["10.1.0.1"] }],
});

describe("service rules", () => {
  test("each port leads to one of its endpoints by chance; the order of objects changes nothing", () => {
    const table = deriveForwardingTable([aService()], [slice], NODE);
    const rules = serviceRules(table);
    expect(rules).toContain("elements = { 10.96.0.10 . tcp . 80 : goto port-0 }");
    expect(rules).toContain("numgen random mod 2 vmap { 0 : goto port-0-0, 1 : goto port-0-1 }");
    expect(rules).toContain("meta l4proto tcp dnat ip to 10.1.0.1:8080");
    const twice = [aService(), aService({ clusterIP: "10.96.0.11" }, { name: "other" })];
    const forwards = deriveForwardingTable(twice, [slice], NODE);
    const backwards = deriveForwardingTable(twice.toReversed(), [slice], NODE);
    expect(serviceRules(forwards)).toBe(serviceRules(backwards));
  });

  test("without endpoints nothing is translated, and the address refuses", () => {
    const rules = serviceRules(deriveForwardingTable([aService()], [], NODE));
    expect(rules).not.toContain("dnat ip to");
    expect(rules).toContain("elements = { 10.96.0.10 }");
  });

  test("an affine client goes where it went last", () => {
    const affine = aService({
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
    });
    const rules = serviceRules(deriveForwardingTable([affine], [slice], NODE));
    expect(rules).toContain("timeout 5000ms");
    expect(rules.indexOf("ip saddr @port-0-clients-0 goto port-0-0")).toBeLessThan(
      rules.indexOf("numgen random"),
    );
  });

  test("IPv6 endpoints are in brackets, in maps of their own", () => {
    const service = aService({ clusterIP: "fd00:96::a", clusterIPs: ["fd00:96::a"] });
    const six = aSlice({ addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"] }] });
    const rules = serviceRules(deriveForwardingTable([service], [six], NODE));
    expect(rules).toContain("dnat ip6 to [fd00::1]:8080");
    expect(rules).toContain("elements = { fd00:96::a . tcp . 80 : goto port-0 }");
  });
});
