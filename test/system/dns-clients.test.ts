import { Resolver } from "node:dns/promises";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
  world = await startDnsWorld({ nsid: "pod-1", answersReverse: true });
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

describe("dig, about cookies and reasons", () => {
  const testDig = testWith.bind(undefined, "dig", "bind9-dnsutils");

  testDig("RFC 7873: a cookie that dig finds good, and sends again", async (path) => {
    const output = await dig(path, "+cookie", `web.shop.${Z}`);
    const [, cookie = ""] = /COOKIE: ([0-9a-f]{48}) \(good\)/.exec(output) ?? [];
    expect(cookie.slice(16, 24)).toBe("01000000");
    const again = await dig(path, `+cookie=${cookie}`, `web.shop.${Z}`);
    expect(again).toContain(`COOKIE: ${cookie} (good)`);
  });

  testDig("RFC 5001: NSID", async (path) => {
    expect(await dig(path, "+nsid", `web.shop.${Z}`)).toContain('NSID: 70 6f 64 2d 31 ("pod-1")');
    expect(await dig(path, `web.shop.${Z}`)).not.toContain("NSID");
  });

  testDig("RFC 8914: it prints why a name does not resolve", async (path) => {
    for (const [name, reason] of [
      [`down.shop.${Z}`, "EDE: 0 (Other): (no ready endpoint)"],
      [`web.nowhere.${Z}`, "EDE: 0 (Other): (namespace unknown in this cluster)"],
      [`none.shop.${Z}`, "EDE: 0 (Other): (no service of this name is imported)"],
      ["example.com", "EDE: 20 (Not Authoritative): (no name of this server's zone)"],
    ] as const) {
      expect(await dig(path, name)).toContain(reason);
    }
  });

  testDig("PTR, as -x asks for it", async (path) => {
    expect(await dig(path, "+short", "-x", "10.96.0.1")).toBe(`web.shop.${Z}.\n`);
    expect(await dig(path, "+short", "-x", "fd00:96::1")).toBe(`web.shop.${Z}.\n`);
    expect(await dig(path, "+short", "-x", "10.1.0.7")).toBe(`10-1-0-7.east.big.shop.${Z}.\n`);
  });

  testDig("above its rate it is sent BADCOOKIE, and comes back with the cookie", async (path) => {
    await using limited = await startDnsWorld({ rateLimit: 1 });
    const ask = (...args: string[]): Promise<string> =>
      run(path, ["@127.0.0.1", "-p", String(limited.port), "+tries=4", "+time=1", ...args]);
    for (let query = 0; query < 5; query++) {
      expect(await ask("+cookie", `web.shop.${Z}`)).toContain("status: NOERROR");
    }
    // Without cookies TC sends it to TCP, where its address is proven.
    expect(await ask("+nocookie", `web.shop.${Z}`)).toContain("10.96.0.1");
  });
});

describe("nslookup", () => {
  testWith("nslookup", "bind9-dnsutils", "C-22: both families of a name", async (path) => {
    const output = await run(path, [`-port=${world.port}`, `web.shop.${Z}.`, "127.0.0.1"]);
    expect(output).toContain("Address: 10.96.0.1\n");
    expect(output).toContain("Address: fd00:96::1\n");
  });

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

  testKdig("cookies, NSID and reasons", async (path) => {
    const output = await dig(path, "+cookie", "+nsid", `down.shop.${Z}`);
    expect(output).toMatch(/COOKIE: [0-9a-f]{48}/i);
    expect(output).toMatch(/NSID: .*pod-1/);
    expect(output).toMatch(/EDE: 0 .*no ready endpoint/);
  });

  testKdig("RFC 7828: TCP with keepalive", async (path) => {
    expect(
      await dig(path, "+tcp", "+keepopen", "+short", `web.shop.${Z}`, "A", `web.shop.${Z}`, "AAAA"),
    ).toBe("10.96.0.1\nfd00:96::1\n");
  });
});

describe("dnsperf", () => {
  testWith(
    "dnsperf",
    "dnsperf",
    "RFC 7766, 6.2.1.1: a hundred queries under way on one connection",
    async (path) => {
      const questions = join(mkdtempSync(join(tmpdir(), "isthmus-dnsperf-")), "questions");
      writeFileSync(questions, `web.shop.${Z} A\nbig.shop.${Z} A\nno.shop.${Z} A\n`);
      const output = await run(path, [
        ...["-s", "127.0.0.1", "-p", String(world.port), "-m", "tcp", "-d", questions],
        ...["-c", "1", "-q", "100", "-n", "500", "-t", "20"],
      ]);
      rmSync(dirname(questions), { recursive: true });
      expect(output).toMatch(/Queries completed: +1500 \(100\.00%\)/);
      expect(output).toMatch(/NOERROR 1000 .*NXDOMAIN 500/);
    },
  );
});

describe("Node's resolver", () => {
  const resolver = new Resolver({ timeout: 5000, tries: 1 });
  beforeAll(() => resolver.setServers([`127.0.0.1:${world.port}`]));

  test("addresses, SRV, PTR, and TCP for what UDP truncates", async () => {
    expect(await resolver.resolve4(`web.shop.${Z}`, { ttl: true })).toEqual([
      { address: "10.96.0.1", ttl: 5 },
    ]);
    expect(await resolver.resolve6(`web.shop.${Z}`)).toEqual(["fd00:96::1"]);
    expect(await resolver.resolveSrv(`_http._tcp.web.shop.${Z}`)).toEqual([
      expect.objectContaining({ name: `web.shop.${Z}`, port: 80, priority: 0 }),
    ]);
    expect(await resolver.reverse("10.96.0.1")).toEqual([`web.shop.${Z}`]);
    expect(await resolver.resolve4(`big.shop.${Z}`)).toHaveLength(100);
  });

  test("what is not there", async () => {
    await expect(resolver.resolve4(`none.shop.${Z}`)).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolveMx(`web.shop.${Z}`)).rejects.toMatchObject({ code: "ENODATA" });
  });
});

describe("unbound behind it, for other zones", () => {
  testWith("unbound", "unbound", "the node's only resolver", async (path) => {
    const [port = 0] = await freePorts(1, systemRandom);
    await using upstream = await Unbound.start(path, port, world.port);
    await using node = await startDnsWorld({ forward: [`127.0.0.1:${upstream.port}`] });
    const client = findProgram("dig") ?? "dig";
    const ask = (...args: string[]): Promise<string> =>
      run(client, ["@127.0.0.1", "-p", String(node.port), "+tries=1", "+time=10", ...args]);
    const other = await ask("www.upstream.test", "A");
    expect(other).toContain("192.0.2.7");
    expect(other).toMatch(/flags: qr (aa )?rd ra;/);
    expect(other).toMatch(/COOKIE: [0-9a-f]{48} \(good\)/);
    expect(await ask("+tcp", "+short", "www.upstream.test", "A")).toBe("192.0.2.7\n");
    expect(await ask("no.upstream.test", "A")).toContain("status: NXDOMAIN");
    expect(await ask("+norec", "www.upstream.test", "A")).toContain("status: REFUSED");
    expect(await ask(`web.shop.${Z}`, "A")).toMatch(/flags: qr aa rd ra;/);
    expect(await ask(`none.shop.${Z}`, "A")).toContain("status: NXDOMAIN");
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
      // A denied name takes those below with it, and none beside.
      expect(await ask(`west.big.shop.${Z}`, "A")).toContain("status: NXDOMAIN");
      expect(await ask(`x.west.big.shop.${Z}`, "A")).toContain("status: NXDOMAIN");
      expect(await ask("+short", `10-1-0-8.east.big.shop.${Z}`, "A")).toBe("10.1.0.8\n");
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
