import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anImport } from "../../dns-server/testing/objects.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { type DnsWorld, findProgram, run, startDnsWorld, Unbound } from "./dns-world.ts";

// Clients that people use, against the server on loopback. In CI they must be there; elsewhere a missing one skips its tests.

const isCi = process.env["CI"] === "true";
const Z = "svc.clusterset.local";

let world: DnsWorld;
beforeAll(async () => {
  world = await startDnsWorld();
});
afterAll(async () => {
  await world.server.stop();
});

/** Runs `test` with the program, or skips it with the package that has it; a failure in CI. */
function testWith(
  program: string,
  debianPackage: string,
  name: string,
  body: (path: string) => Promise<void>,
): void {
  const path = findProgram(program);
  test(name, async ({ skip }) => {
    if (path !== undefined) return body(path);
    const missing = `${program} is missing: install ${debianPackage}`;
    if (isCi) throw new Error(missing);
    return skip(missing);
  });
}

const dig = (path: string, ...args: string[]): Promise<string> =>
  run(path, ["@127.0.0.1", "-p", String(world.port), "+retry=0", "+time=5", ...args]);

describe("dig", () => {
  const testDig = testWith.bind(undefined, "dig", "bind9-dnsutils");

  testDig("C-22: both families", async (path) => {
    expect(await dig(path, "+short", `web.shop.${Z}`, "A")).toBe("10.96.0.1\n");
    expect(await dig(path, "+short", `web.shop.${Z}`, "AAAA")).toBe("fd00:96::1\n");
  });

  testDig("the response to a plain query has no warning", async (path) => {
    const output = await dig(path, `_http._tcp.web.shop.${Z}`, "SRV");
    expect(output).toContain("status: NOERROR");
    expect(output).toMatch(/flags: qr aa rd;/);
    expect(output).toContain("EDNS: version: 0, flags:; udp: 1232");
    expect(output).not.toMatch(/malformed|extra|bad|mismatch/i);
  });

  testDig("TC makes it ask again by TCP", async (path) => {
    const output = await dig(path, "+bufsize=512", `big.shop.${Z}`, "A");
    expect(output).toContain("Truncated, retrying in TCP mode");
    expect(output).toContain("ANSWER: 100,");
    const cut = await dig(path, "+bufsize=512", "+ignore", `big.shop.${Z}`, "A");
    expect(cut).toMatch(/flags: qr aa tc rd;/);
    expect(Number(/rcvd: (\d+)/.exec(cut)?.[1])).toBeLessThanOrEqual(512);
  });

  testDig("+noedns gets none, +norec no RD, +dnssec DO", async (path) => {
    expect(await dig(path, "+noedns", `web.shop.${Z}`)).not.toContain("EDNS");
    expect(await dig(path, "+norec", `web.shop.${Z}`)).toMatch(/flags: qr aa;/);
    expect(await dig(path, "+dnssec", `web.shop.${Z}`)).toContain("flags: do; udp: 1232");
  });

  testDig("client subnets, padding and unknown options are ignored", async (path) => {
    const output = await dig(
      path,
      "+nocookie",
      "+subnet=192.0.2.0/24",
      "+padding=128",
      "+ednsopt=65001:abcd",
      `web.shop.${Z}`,
    );
    expect(output).toContain("status: NOERROR");
    expect(output).not.toContain("COOKIE");
  });

  testDig("EDNS versions to come get BADVERS, from which it falls back", async (path) => {
    expect(await dig(path, "+edns=1", "+noednsneg", `web.shop.${Z}`)).toContain("status: BADVERS");
    expect(await dig(path, "+edns=1", `web.shop.${Z}`)).toContain("status: NOERROR");
  });

  testDig("zone transfer, class CH, other opcodes and other zones", async (path) => {
    expect(await dig(path, "clusterset.local", "AXFR")).toContain("Transfer failed");
    expect(await dig(path, "version.bind", "CH", "TXT")).toContain("status: REFUSED");
    expect(await dig(path, "+opcode=notify", `web.shop.${Z}`)).toContain("status: NOTIMP");
    expect(await dig(path, "example.com")).toContain("status: REFUSED");
  });

  testDig("the question's case comes back", async (path) => {
    expect(await dig(path, "+noall", "+answer", `WeB.sHoP.${Z}`)).toContain(`WeB.sHoP.${Z}.`);
  });

  testDig("many questions on one TCP connection", async (path) => {
    const output = await dig(
      path,
      "+tcp",
      "+keepopen",
      "+short",
      `web.shop.${Z}`,
      `web.shop.${Z}`,
      "AAAA",
      `web.shop.${Z}`,
      "A",
    );
    expect(output).toBe("10.96.0.1\nfd00:96::1\n10.96.0.1\n");
  });
});

describe("nslookup", () => {
  testWith(
    "nslookup",
    "bind9-dnsutils",
    "C-23, ENV-12: what the conformance suite parses",
    async (path) => {
      const output = await run(path, [
        "-type=SRV",
        `-port=${world.port}`,
        `web.shop.${Z}.`,
        "127.0.0.1",
      ]);
      const records = [...output.matchAll(/.*=\s*\d*\s*\d*\s*(\d*)\s*([a-zA-Z0-9-.]*)/g)];
      expect(records.map(([, number, target]) => `${number} ${target}`)).toEqual([
        `80 web.shop.${Z}.`,
      ]);
    },
  );
});

describe("kdig", () => {
  const testKdig = testWith.bind(undefined, "kdig", "knot-dnsutils");

  testKdig("parses every kind of answer", async (path) => {
    for (const question of [
      `web.shop.${Z} SRV`,
      `big.shop.${Z} SRV`,
      `no.shop.${Z} A`,
      "clusterset.local NS",
      "clusterset.local SOA",
      "dns-version.clusterset.local TXT",
    ]) {
      const output = await dig(path, ...question.split(" "));
      expect(output).toContain("status: N");
      expect(output).not.toMatch(/WARNING|malformed/i);
    }
  });

  testKdig("TCP with keepalive", async (path) => {
    expect(
      await dig(path, "+tcp", "+keepopen", "+short", `web.shop.${Z}`, "A", `web.shop.${Z}`, "AAAA"),
    ).toBe("10.96.0.1\nfd00:96::1\n");
  });
});

describe("unbound as a resolver in front", () => {
  testWith(
    "unbound",
    "unbound",
    "resolves with mixed case and minimised names, caches, follows changes after the TTL",
    async (path) => {
      const [port = 0] = await freePorts(1, systemRandom);
      await using resolver = await Unbound.start(path, port, world.port);
      const client = findProgram("dig") ?? "dig";
      const ask = (...args: string[]): Promise<string> =>
        run(client, ["@127.0.0.1", "-p", String(resolver.port), "+tries=1", "+time=10", ...args]);
      expect(await ask("+short", `web.shop.${Z}`, "A")).toBe("10.96.0.1\n");
      expect(await ask(`_http._tcp.web.shop.${Z}`, "SRV")).toContain(`0 100 80 web.shop.${Z}.`);
      expect((await ask("+short", `big.shop.${Z}`, "A")).trim().split("\n")).toHaveLength(100);
      // RFC 8020, DNS-43: a denied name above it would deny this one.
      expect(await ask(`east.big.shop.${Z}`, "A")).toContain("status: NOERROR");
      expect(await ask("+short", `10-1-0-7.east.big.shop.${Z}`, "A")).toBe("10.1.0.7\n");
      const negative = await ask(`no.shop.${Z}`, "A");
      expect(negative).toContain("status: NXDOMAIN");
      expect(negative).toContain("SOA");

      world.imports.put(anImport({ ips: ["10.96.0.99"] }));
      world.imports.put(anImport({ key: "shop/no", ips: ["10.96.0.7"] }));
      expect(await ask("+short", `web.shop.${Z}`, "A")).toBe("10.96.0.1\n");
      expect(await ask(`no.shop.${Z}`, "A")).toContain("status: NXDOMAIN");
      await expect
        .poll(() => ask("+short", `web.shop.${Z}`, "A"), { timeout: 15_000, interval: 500 })
        .toBe("10.96.0.99\n");
      await expect
        .poll(() => ask("+short", `no.shop.${Z}`, "A"), { timeout: 15_000, interval: 500 })
        .toBe("10.96.0.7\n");
    },
  );
});
