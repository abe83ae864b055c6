import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type DnsServer, startDnsServer } from "../../dns-server/dns-server.ts";
import type { AnswerOptions } from "../../dns-server/server-options.ts";
import { aNamespace, anImport, aSlice, port } from "../../dns-server/testing/objects.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";

/** Path of a program, searched where administrators' programs live too. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface DnsWorld extends AsyncDisposable {
  readonly server: DnsServer;
  readonly port: number;
  readonly imports: ObjectStore<ServiceImport>;
}

/** A server on loopback with a small clusterset; `big` has 100 endpoints, `down` none that is ready. */
export async function startDnsWorld(options: AnswerOptions = {}): Promise<DnsWorld> {
  const deps = { log: silentLogger };
  const imports = new ObjectStore<ServiceImport>({}, deps);
  const slices = new ObjectStore<EndpointSlice>({}, deps);
  const namespaces = new ObjectStore<Namespace>({}, deps);
  namespaces.put(aNamespace("shop"));
  imports.put(anImport({ ips: ["10.96.0.1", "fd00:96::1"], ports: [port("http", 80)] }));
  imports.put(anImport({ key: "shop/big", isHeadless: true }));
  const endpoints = Array.from({ length: 100 }, (_, index) => `10.1.0.${index}`);
  slices.put(aSlice({ key: "shop/big", endpoints, ports: [port("http", 80)] }));
  imports.put(anImport({ key: "shop/down", isHeadless: true }));
  slices.put(aSlice({ key: "shop/down", endpoints: ["!10.1.9.1=db-0"] }));
  for (const view of [imports, slices, namespaces]) view.markSynced();
  const started = await startDnsServer(
    { ...options, listen: { host: "127.0.0.1", port: 0 }, nsAddresses: ["127.0.0.1"] },
    { imports, slices, namespaces, clock: systemClock, log: silentLogger, meter: silentMeter },
  );
  if (!started.ok) throw new Error(started.error);
  const server = started.value;
  while (!server.isReady()) await new Promise((resolve) => setImmediate(resolve));
  return {
    server,
    port: server.address.port,
    imports,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Output of a client program, whatever its exit status. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { timeout: 20_000 });
  return stdout;
}

/** A resolver that sends questions about the zone to our server, caches, and mixes the case of names. */
export class Unbound implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  static async start(program: string, port: number, serverPort: number): Promise<Unbound> {
    const folder = mkdtempSync(join(tmpdir(), "isthmus-unbound-"));
    const config = join(folder, "unbound.conf");
    writeFileSync(config, unboundConfig(port, serverPort));
    const child = spawn(program, ["-d", "-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    child.stderr.on("data", (chunk) => {
      log += String(chunk);
    });
    const exited = once(child, "exit").then(() => {
      throw new Error(`unbound ended: ${log}`);
    });
    const listening = new Promise<void>((resolve) => {
      child.stderr.on("data", () => {
        if (log.includes("start of service")) resolve();
      });
    });
    await Promise.race([listening, exited]);
    exited.catch(() => undefined);
    return new Unbound(port, folder, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill();
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function unboundConfig(port: number, serverPort: number): string {
  return `server:
  verbosity: 1
  interface: 127.0.0.1
  port: ${port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "/"
  pidfile: ""
  do-not-query-localhost: no
  use-caps-for-id: yes
  qname-minimisation: yes
  qname-minimisation-strict: yes
  harden-below-nxdomain: yes
  local-zone: "local." nodefault
  domain-insecure: "clusterset.local"
  local-zone: "upstream.test." static
  local-data: "www.upstream.test. 60 IN A 192.0.2.7"
  module-config: "iterator"
stub-zone:
  name: "clusterset.local"
  stub-addr: 127.0.0.1@${serverPort}
`;
}
