import { describe, expect, test } from "vitest";
import { serviceKey } from "../../api/service-key.ts";
import { anImport, aSlice } from "../testing/objects.ts";
import { testResponder, zoneOf } from "../testing/test-responder.ts";
import { parseBalancing } from "./balancing.ts";
import { deriveServiceRecords } from "./derive-service-records.ts";

function annotated(annotations: Readonly<Record<string, string>>) {
  const made = anImport({ isHeadless: true });
  return { ...made, metadata: { ...made.metadata, annotations } };
}

function parse(annotations: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  const balancing = parseBalancing(annotated(annotations), (problem) => problems.push(problem));
  return { ...balancing, problems };
}

test("without annotations nothing is balanced", () => {
  expect(parse({ "other/key": "x" })).toEqual({
    prefersLocal: false,
    localThreshold: 0.5,
    problems: [],
  });
});

test("all three are read", () => {
  expect(
    parse({
      "dns.isthmus.dev/affinity": "local",
      "dns.isthmus.dev/local-threshold": "80",
      "dns.isthmus.dev/weights": "east=3, west=0",
    }),
  ).toEqual({
    prefersLocal: true,
    localThreshold: 0.8,
    weights: new Map([
      ["east", 3],
      ["west", 0],
    ]),
    problems: [],
  });
});

describe("mistakes are told and change nothing else", () => {
  test.each([
    { key: "affinity", value: "remote", rule: "must be local or none" },
    { key: "local-threshold", value: "101", rule: "must be a percentage from 0 to 100" },
    { key: "local-threshold", value: "half", rule: "must be a percentage" },
    { key: "weights", value: "east", rule: "must be cluster=weight pairs" },
    { key: "weights", value: "east=1001", rule: "weights 0 to 1000" },
    { key: "weights", value: "east=-1", rule: "must be cluster=weight pairs" },
  ])("$key: $value", ({ key, value, rule }) => {
    const parsed = parse({ [`dns.isthmus.dev/${key}`]: value });
    expect(parsed).toEqual({
      prefersLocal: false,
      localThreshold: 0.5,
      problems: [expect.stringContaining(rule)],
    });
    expect(parsed.problems[0]).toContain(`dns.isthmus.dev/${key}`);
    expect(parsed.problems[0]).toContain(JSON.stringify(value));
  });
});

describe("in the answers", () => {
  const slices = [
    aSlice({
      endpoints: ["10.1.0.1=a", "10.1.0.2=b"],
      ports: [{ name: "http", port: 80 }],
    }),
    aSlice({ cluster: "west", endpoints: ["10.2.0.1=a"], ports: [{ name: "http", port: 80 }] }),
  ];
  const weighted = annotated({ "dns.isthmus.dev/weights": "east=1,west=3" });
  const key = serviceKey("shop", "web");
  const origin = "web.shop.svc.clusterset.local";

  test("weights are followed by the first address and by SRV", () => {
    const zone = zoneOf({ imports: [weighted], slices, policy: { balancing: {} } });
    const { ask } = testResponder(zone);
    const firsts = Array.from({ length: 64 }, () => ask(`${origin} A`)[1]?.split(" ").at(-1));
    const west = firsts.filter((first) => first === "10.2.0.1").length;
    expect(west).toBeGreaterThanOrEqual(46);
    expect(west).toBeLessThanOrEqual(50);
    expect(ask(`_http._tcp.${origin} SRV`).slice(1, 4)).toEqual([
      `_http._tcp.${origin} 5 IN SRV 0 167 80 a.east.${origin}`,
      `_http._tcp.${origin} 5 IN SRV 0 167 80 b.east.${origin}`,
      `_http._tcp.${origin} 5 IN SRV 0 1000 80 a.west.${origin}`,
    ]);
  });

  test("they count only where the server was told so", () => {
    const derive = (balancing: boolean) =>
      deriveServiceRecords({
        key,
        origin,
        serviceImport: weighted,
        slices,
        ...(balancing ? { policy: { balancing: {} } } : {}),
      }).records.names.get("");
    expect(derive(false)?.aShares).toBeUndefined();
    expect(derive(true)?.aShares).toEqual([0.5, 0.5, 3]);
  });

  test("a local preference leaves endpoints their own names (DNS-21)", () => {
    const local = annotated({ "dns.isthmus.dev/affinity": "local" });
    const policy = { balancing: { localCluster: "west" } };
    const { ask } = testResponder(zoneOf({ imports: [local], slices, policy }));
    expect(ask(`${origin} A`)).toEqual(["NOERROR aa", `${origin} 5 IN A 10.2.0.1`]);
    expect(ask(`a.east.${origin} A`)[1]).toBe(`a.east.${origin} 5 IN A 10.1.0.1`);
    expect(ask(`_http._tcp.${origin} SRV`)).toHaveLength(3);
    expect(ask(`a.west.${origin} A`)[0]).toBe("NOERROR aa");
  });
});
