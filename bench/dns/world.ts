import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { Asker } from "./ask.ts";
import { ipKey, makeQuestions } from "./clusterset.ts";
import { coredns } from "./servers/coredns.ts";
import { isthmus } from "./servers/isthmus.ts";
import { knot } from "./servers/knot.ts";
import { type MeasuredServer, type RunningServer, startServer } from "./servers/measured-server.ts";
import { nsd } from "./servers/nsd.ts";
import { zoneFile } from "./zone-file.ts";

/** An API server with the clusterset, and every DNS server that was found, answering from it. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly apiServer: ChildProcess;
  readonly servers: readonly RunningServer[];
  /** Names of servers whose program is not on this machine. */
  readonly absent: readonly string[];
  /** Files of questions for dnsperf. */
  readonly questions: Readonly<Record<"hits" | "mixed", string>>;
}

export interface WorldOptions {
  readonly serverCore: number;
  /** Program of CoreDNS: a path or a name. */
  readonly coredns: string;
  /** Names of servers to measure; all without. */
  readonly only: readonly string[];
}

const READY_TIMEOUT_MS = 120_000;

export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const kubeconfig = join(folder, "kubeconfig");
  const apiServer = fork(new URL("./api-server.ts", import.meta.url), [kubeconfig]);
  await once(apiServer, "message");
  const zone = join(folder, "zone");
  writeFileSync(zone, zoneFile());
  const questions = { hits: join(folder, "hits"), mixed: join(folder, "mixed") };
  for (const kind of ["hits", "mixed"] as const) {
    writeFileSync(questions[kind], `${makeQuestions(kind).join("\n")}\n`);
  }
  const { found, absent } = findServers(options);
  const ports = await freePorts(found.length, systemRandom);
  const servers: RunningServer[] = [];
  for (const [index, server] of found.entries()) {
    const own = join(folder, server.name);
    mkdirSync(own);
    const input = { folder: own, port: ports[index] ?? 0, kubeconfig, zoneFile: zone };
    const running = startServer(server, { ...input, core: options.serverCore });
    servers.push(running);
    await waitUntilAnswering(running);
  }
  return {
    folder,
    kubeconfig,
    apiServer,
    servers,
    absent,
    questions,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.stop();
      apiServer.disconnect();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ours first: the others are compared with it. */
function findServers(options: WorldOptions): {
  readonly found: readonly MeasuredServer[];
  readonly absent: readonly string[];
} {
  const peers: Readonly<Record<string, MeasuredServer | undefined>> = {
    isthmus: isthmus("auto", "isthmus"),
    "isthmus-dgram": isthmus("dgram", "isthmus-dgram"),
    coredns: withProgram(options.coredns, (program) => coredns(program, "coredns", [])),
    "coredns-cache": withProgram(options.coredns, (program) =>
      coredns(program, "coredns-cache", ["cache 30"]),
    ),
    knot: withProgram("knotd", knot),
    nsd: withProgram("nsd", nsd),
  };
  const wanted = Object.entries(peers).filter(
    ([name]) => options.only.length === 0 || options.only.includes(name),
  );
  return {
    found: wanted.flatMap(([, server]) => server ?? []),
    absent: wanted.filter(([, server]) => server === undefined).map(([name]) => name),
  };
}

function withProgram(
  name: string,
  make: (program: string) => MeasuredServer,
): MeasuredServer | undefined {
  const program = findProgram(name);
  return program === undefined ? undefined : make(program);
}

/** Path of a program, searched where administrators' programs live too. */
function findProgram(name: string): string | undefined {
  if (name.includes("/")) return isExecutable(name) ? name : undefined;
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

/** Waits for the right answer, not for any: a server without its zone also answers. */
export async function waitUntilAnswering(server: RunningServer): Promise<void> {
  const [namespace, name] = ipKey(1).split("/");
  using asker = new Asker(server.port);
  const startMs = performance.now();
  for (;;) {
    const answer = await asker.ask(`${name}.${namespace}.svc.clusterset.local A`, 200);
    if (answer?.includes("10.96.0.1") === true) return;
    if (performance.now() - startMs > READY_TIMEOUT_MS) {
      throw new Error(`${server.name} does not answer: ${answer ?? "silence"}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
