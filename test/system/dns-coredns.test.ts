import { expect } from "vitest";
import { anImport } from "../../dns-server/testing/objects.ts";
import { asker, CoreDns, testWithCoreDns } from "./coredns.ts";
import { startDnsWorld } from "./dns-world.ts";

// CoreDNS as clusters run it: in front of the server with the Corefile of docs/dns.md, and behind it for other zones.

const Z = "svc.clusterset.local";

testWithCoreDns(
  "in front, with `forward` and `cache`, as docs/dns.md has it",
  async (path, client) => {
    await using world = await startDnsWorld();
    const block = `  forward . 127.0.0.1:${world.port}\n  cache 5`;
    await using front = await CoreDns.start(path, "clusterset.local", block);
    const ask = asker(client, front.port);
    expect(await ask("+short", `web.shop.${Z}`, "A")).toBe("10.96.0.1\n");
    expect(await ask("+short", `WEB.shop.${Z}`, "AAAA")).toBe("fd00:96::1\n");
    expect(await ask("+short", `_http._tcp.web.shop.${Z}`, "SRV")).toBe(
      `0 100 80 web.shop.${Z}.\n`,
    );
    expect(await ask("+short", "dns-version.clusterset.local", "TXT")).toBe('"1.0.0"\n');
    // DNS-44: what is too large for UDP comes by TCP, through both.
    const big = await ask("+bufsize=512", `big.shop.${Z}`, "A");
    expect(big).toContain("Truncated, retrying in TCP mode");
    expect(big).toContain("ANSWER: 100,");
    // DNS-41: CoreDNS keeps a denial only with the SOA.
    const denial = await ask(`no.shop.${Z}`, "A");
    expect(denial).toContain("status: NXDOMAIN");
    expect(denial).toMatch(/clusterset\.local\.\s+5\s+IN\s+SOA/);
    // DNS-43: names below a denied one are there.
    expect(await ask(`east.big.shop.${Z}`, "A")).toContain("status: NOERROR");
    expect(await ask("+short", `10-1-0-7.east.big.shop.${Z}`, "A")).toBe("10.1.0.7\n");

    world.imports.put(anImport({ ips: ["10.96.0.99"] }));
    world.imports.put(anImport({ key: "shop/no", ips: ["10.96.0.7"] }));
    for (const [name, address] of [
      ["web", "10.96.0.99"],
      ["no", "10.96.0.7"],
    ] as const) {
      await expect
        .poll(() => ask("+short", `${name}.shop.${Z}`, "A"), { timeout: 15_000, interval: 250 })
        .toBe(`${address}\n`);
    }
  },
);

testWithCoreDns(
  "behind, for other zones, whose answers are kept for their TTL",
  async (path, client) => {
    const block = `  hosts {
    192.0.2.7 www.cluster.local
    ttl 30
    no_reverse
  }
  template ANY ANY gone.cluster.local {
    rcode NXDOMAIN
    authority "cluster.local. 60 IN SOA ns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 20"
  }`;
    const upstream = await CoreDns.start(path, "cluster.local", block);
    await using node = await startDnsWorld({
      forward: [`127.0.0.1:${upstream.port}`],
      forwardTimeoutMs: 500,
    });
    const ask = asker(client, node.port);
    const whole = await ask("www.cluster.local", "A");
    expect(whole).toMatch(/www\.cluster\.local\.\s+30\s+IN\s+A\s+192\.0\.2\.7/);
    expect(await ask("gone.cluster.local", "A")).toContain("status: NXDOMAIN");
    await upstream[Symbol.asyncDispose]();
    // Nobody is there to be asked: these are known, whatever the letters, and run down (RFC 2308, section 5: denials too).
    const known = await ask("WWW.cluster.local", "A");
    expect(known).toMatch(/flags: qr rd ra;/);
    expect(known).toMatch(/WWW\.cluster\.local\.\s+(30|[12][0-9])\s+IN\s+A\s+192\.0\.2\.7/i);
    const denied = await ask("gone.cluster.local", "A");
    expect(denied).toContain("status: NXDOMAIN");
    expect(denied).toMatch(/cluster\.local\.\s+(20|1[0-9])\s+IN\s+SOA/);
    expect(await ask("new.cluster.local", "A")).toContain("no upstream resolver answered");
    expect(await ask("+short", `web.shop.${Z}`, "A")).toBe("10.96.0.1\n");
  },
);
