import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { anImport } from "../../dns-server/testing/objects.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { findProgram, run, startDnsWorld } from "./dns-world.ts";

// CoreDNS as clusters run it: in front of the server with the Corefile of docs/dns.md, and behind it for other zones. No
// Debian package has it: the tests run where $ISTHMUS_COREDNS or the PATH names one.

const Z = "svc.clusterset.local";
const program = process.env["ISTHMUS_COREDNS"] ?? findProgram("coredns");
const dig = findProgram("dig");

class CoreDns implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  /** `block` is a server block without its address. */
  static async start(path: string, zone: string, block: string): Promise<CoreDns> {
    const [port = 0] = await freePorts(1, systemRandom);
    const folder = mkdtempSync(join(tmpdir(), "isthmus-coredns-"));
    const file = join(folder, "Corefile");
    writeFileSync(file, `${zone}:${port} {\n  bind 127.0.0.1\n${block}\n}\n`);
    const child = spawn(path, ["-conf", file], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    const listening = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk) => {
          log += String(chunk);
          // Printed once every server block listens.
          if (/^CoreDNS-/m.test(log)) resolve();
        });
      }
    });
    const exited = once(child, "exit").then(() => {
      throw new Error(`coredns ended: ${log}`);
    });
    await Promise.race([listening, exited]);
    exited.catch(() => undefined);
    return new CoreDns(port, folder, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill();
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function testWithCoreDns(name: string, body: (path: string, dig: string) => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (program === undefined || dig === undefined) {
      return skip("coredns or dig is missing: set ISTHMUS_COREDNS, install bind9-dnsutils");
    }
    return body(program, dig);
  });
}

function asker(client: string, port: number): (...args: string[]) => Promise<string> {
  return (...args) =>
    run(client, ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=10", ...args]);
}

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
