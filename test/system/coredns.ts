import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { findProgram, run } from "./dns-world.ts";

// No Debian package has CoreDNS: tests with it run where $ISTHMUS_COREDNS or the PATH names one.

const program = process.env["ISTHMUS_COREDNS"] ?? findProgram("coredns");
const dig = findProgram("dig");

/** A real CoreDNS on a port of its own. */
export class CoreDns implements AsyncDisposable {
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
    return CoreDns.startWith(path, (port) => `${zone}:${port} {\n  bind 127.0.0.1\n${block}\n}\n`);
  }

  /** Error: what it printed when it ended instead of listening. */
  static async startWith(path: string, corefile: (port: number) => string): Promise<CoreDns> {
    const [port = 0] = await freePorts(1, systemRandom);
    const folder = mkdtempSync(join(tmpdir(), "isthmus-coredns-"));
    const file = join(folder, "Corefile");
    writeFileSync(file, corefile(port));
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
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`coredns ended: ${log}`);
    });
    await Promise.race([listening, exited]);
    exited.catch(() => undefined);
    return new CoreDns(port, folder, child);
  }

  /** What a kubelet does some time after the ConfigMap has changed. */
  replaceCorefile(text: string): void {
    writeFileSync(join(this.#folder, "Corefile"), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill();
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export function testWithCoreDns(
  name: string,
  body: (path: string, dig: string) => Promise<void>,
): void {
  test(name, async ({ skip }) => {
    if (program === undefined || dig === undefined) {
      return skip("coredns or dig is missing: set ISTHMUS_COREDNS, install bind9-dnsutils");
    }
    return body(program, dig);
  });
}

/** Questions by `dig` to a port of loopback. */
export function asker(client: string, port: number): (...args: string[]) => Promise<string> {
  return (...args) =>
    run(client, ["@127.0.0.1", "-p", String(port), "+tries=1", "+time=10", ...args]);
}
