import { fork, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseClusterId } from "../../api/cluster-id.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { UdpResponder } from "../../connectivity/probe/udp-responder.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { until } from "../../sandbox/process/until.ts";
import type { BrokerStart } from "../broker/process-messages.ts";
import { Asker } from "../dns/ask.ts";
import { prepareCluster } from "./measure-member.ts";
import { Owners } from "./owners.ts";
import { type Answered, ask, type Census, isWrite, machineMs } from "./process-messages.ts";
import { keyOf, type Workload } from "./workload.ts";

// From the death of a path to slices and answers without its endpoints, and from its return to all of them again: `npm run
// bench:dead-path`. Every service is exported by every cluster, so that all of them lose endpoints at once.

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "10000" },
    endpoints: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
  },
});

const CLUSTERS = 2;
const workload: Workload = {
  clusters: CLUSTERS,
  services: Number(values.services),
  exporters: CLUSTERS,
  endpointsPerService: Number(values.endpoints),
  namespaces: Math.min(100, Number(values.services)),
  isHeadless: true,
};
/** Names that are asked for in turn. */
const ASKED = 200;
const QUIET_MS = 3_000;
const SETTLE_MS = 10_000;
const PATIENCE_MS = 1_200_000;
const { signal } = new AbortController();
/** Peers may name no loopback address. */
const host = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
if (host === undefined) throw new Error("this machine needs an IPv4 address besides loopback");
const waiting = { clock, timeoutMs: PATIENCE_MS, signal };

interface Round {
  /** All from the last answer to a probe, or from when there is somebody again who answers. */
  readonly verdictMs: number;
  readonly slicesP50Ms: number;
  readonly slicesLastMs: number;
  readonly dnsP50Ms: number;
  readonly dnsLastMs: number;
}

const folder = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
const hub: BrokerStart = {
  place: { kind: "file" },
  members: CLUSTERS + 1,
  dataDir: folder,
  port: 0,
};
const broker = fork(new URL("../broker/server.ts", import.meta.url), [JSON.stringify(hub)]);
const apiServer = fork(new URL("./api-server.ts", import.meta.url));
const [[{ identities }], [{ kubeconfig }]] = await Promise.all([
  once(broker, "message"),
  once(apiServer, "message"),
]);
const all: readonly MemberIdentity[] = identities;
const identity = all[CLUSTERS];
if (identity === undefined) throw new Error("the broker has given too few identities");
let dying = await respond(0, 0);
const steady = await respond(1, 0);
const owners = new Owners(all.slice(0, CLUSTERS), workload, [
  facts(0, dying.port),
  facts(1, steady.port),
]);
await Promise.all([owners.fill(), prepareCluster(kubeconfig, workload)]);
const member = fork(new URL("./member.ts", import.meta.url), { execArgv: ["--expose-gc"] });
await once(member, "message");
member.send({ identity, kubeconfig, podCidrs: ["10.200.0.0/16"] });
const isThere = async (): Promise<true | undefined> =>
  (await ask<Census>(apiServer, "census")).slices === workload.services * CLUSTERS
    ? true
    : undefined;
await until("all slices to be there", isThere, { ...waiting, everyMs: 500 });
const [port = 0] = await freePorts(1, systemRandom);
const program = fileURLToPath(new URL("../../cli/isthmus.mjs", import.meta.url));
const dns = spawn(
  process.execPath,
  [program, "dns", `--kubeconfig=${kubeconfig}`, `--listen=127.0.0.1:${port}`].concat(
    "--health-listen=127.0.0.1:0",
    "--log-level=warn",
  ),
  { stdio: ["ignore", "inherit", "inherit"] },
);
using asker = new Asker(port);
const names = Array.from({ length: ASKED }, (_, at) => {
  const key = keyOf(Math.floor((at * workload.services) / ASKED), workload);
  const [namespace = "", name = ""] = key.split("/");
  return `${name}.${namespace}.svc.clusterset.local A`;
});
const isWhole = (answer: string | undefined): boolean => has(answer, 0) && has(answer, 1);
try {
  await allAnswers(isWhole);
  const deaths: Round[] = [];
  const returns: Round[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    await sleep(clock, SETTLE_MS, signal);
    deaths.push(await die());
    await sleep(clock, SETTLE_MS, signal);
    returns.push(await comeBack());
    await until("all slices to be back", isThere, { ...waiting, everyMs: 500 });
  }
  print("from the last answer to a probe", deaths);
  print("from the path's return", returns);
} finally {
  for (const child of [dns, member]) {
    const ended = once(child, "exit");
    if (child === dns) child.kill();
    else member.send("stop");
    await ended;
  }
  owners.stop();
  dying.responder.stop();
  steady.responder.stop();
  for (const child of [broker, apiServer]) {
    const ended = once(child, "exit");
    child.disconnect();
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** The path to the first cluster dies. */
async function die(): Promise<Round> {
  let silent: Socket | undefined;
  const strike = async (): Promise<void> => {
    dying.responder.stop();
    // A path that is dead says nothing: a port that nobody holds would refuse, and that is another thing.
    silent = await holdSilently(dying.port);
  };
  const round = await follow(strike, (answer) => !has(answer, 0) && has(answer, 1));
  silent?.close();
  return round;
}

async function comeBack(): Promise<Round> {
  const mend = async (): Promise<void> => {
    dying = await respond(0, dying.port);
  };
  return await follow(mend, isWhole);
}

/** What becomes of the verdict, of answers and slices. */
async function follow(
  change: () => Promise<void>,
  isRight: (answer: string | undefined) => boolean,
): Promise<Round> {
  const written: number[] = [];
  let verdictMs = Number.NaN;
  const onMessage = (one: Answered): void => {
    if (!("verb" in one) || !isWrite(one.verb)) return;
    if (one.resource === "peers/status" && Number.isNaN(verdictMs)) verdictMs = one.atMs;
    if (one.resource === "endpointslices") written.push(one.atMs);
  };
  apiServer.on("message", onMessage);
  apiServer.send("all");
  await sleep(clock, 100, signal);
  const startMs = machineMs();
  await change();
  const answered = await allAnswers(isRight);
  await until(
    "slices to be written",
    () => (machineMs() - (written.at(-1) ?? machineMs()) > QUIET_MS ? true : undefined),
    waiting,
  );
  apiServer.send("none");
  apiServer.off("message", onMessage);
  const since = (atMs: number | undefined): number => Math.round((atMs ?? Number.NaN) - startMs);
  return {
    verdictMs: since(verdictMs),
    slicesP50Ms: since(written[Math.floor(written.length / 2)]),
    slicesLastMs: since(written.at(-1)),
    dnsP50Ms: since(answered[Math.floor(answered.length / 2)]),
    dnsLastMs: since(answered.at(-1)),
  };
}

/** Asks for all names in turn until each is answered so. Returns when each was, in order. */
async function allAnswers(isRight: (answer: string | undefined) => boolean): Promise<number[]> {
  const times: number[] = [];
  const open = new Set(names);
  const endMs = machineMs() + PATIENCE_MS;
  while (open.size > 0) {
    for (const name of open) {
      if (!isRight(await asker.ask(name))) continue;
      open.delete(name);
      times.push(machineMs());
    }
    if (machineMs() > endMs) throw new Error(`no right answer for ${[...open][0]}`);
    await sleep(clock, 1, signal);
  }
  return times;
}

/** An endpoint of that cluster is in the answer. */
function has(answer: string | undefined, cluster: number): boolean {
  return answer?.includes(`"10.${100 + cluster}.`) === true;
}

function facts(cluster: number, responder: number): NetworkFacts {
  return {
    podCidrs: [`10.${100 + cluster}.0.0/16`],
    serviceCidrs: [],
    globalPrefixes: [],
    nodePrefixes: [],
    backends: ["underlay"],
    responders: [`${host}:${responder}`],
    gateways: [],
    proxies: [],
  };
}

async function respond(
  cluster: number,
  at: number,
): Promise<{ readonly responder: UdpResponder; readonly port: number }> {
  const id = parseClusterId(all[cluster]?.clusterId ?? "");
  if (!id.ok) throw new Error(id.error);
  const listen = { ...(host === undefined ? {} : { host }), port: at };
  const responder = new UdpResponder({ cluster: id.value, listen }, { log });
  const started = await responder.start();
  if (!started.ok) throw new Error(started.error);
  return { responder, port: started.value };
}

/** Takes what arrives at the port and answers nothing. */
async function holdSilently(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, host);
  await once(socket, "listening");
  return socket;
}

function print(from: string, rounds: readonly Round[]): void {
  const row = (name: string, value: (round: Round) => number): string => {
    const sorted = rounds.map(value).toSorted((a, b) => a - b);
    return `| ${name} | ${sorted[Math.floor(sorted.length / 2)]} | ${sorted.at(-1)} |\n`;
  };
  process.stdout.write(
    [
      `| ${workload.services} services, ${workload.services * workload.endpointsPerService} endpoints, ${rounds.length} rounds: ms ${from} | p50 | max |\n`,
      "| --- | ---: | ---: |\n",
      row("Peer.status is written", ({ verdictMs }) => verdictMs),
      row("half of the answers have changed", ({ dnsP50Ms }) => dnsP50Ms),
      row("all answers have changed", ({ dnsLastMs }) => dnsLastMs),
      row("half of the slices are written", ({ slicesP50Ms }) => slicesP50Ms),
      row("all slices are written", ({ slicesLastMs }) => slicesLastMs),
    ].join(""),
  );
}
