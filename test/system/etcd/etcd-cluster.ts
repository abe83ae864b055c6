import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../../api/result.ts";
import { EtcdClient } from "../../../broker/store/space/etcd/etcd-client.ts";
import { type EtcdAccess, etcdEndpoints } from "../../../broker/store/space/etcd/etcd-endpoints.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { type EtcdCertificates, makeEtcdCertificates } from "./etcd-certificates.ts";
import { PeerProxy } from "./peer-proxy.ts";

export interface EtcdClusterOptions {
  /** 1 or 3. */
  readonly members: number;
  readonly isTls?: boolean;
  /** Further arguments of each member. */
  readonly args?: readonly string[];
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly proxyPort: number;
  proxy?: PeerProxy;
  child?: ChildProcess | undefined;
}

const READY_MS = 30_000;

/** A real etcd cluster on loopback, whose members can be killed, cut from each other, and brought back. */
export class EtcdCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #certificates: EtcdCertificates | undefined;
  readonly #args: readonly string[];

  private constructor(
    folder: string,
    members: readonly Member[],
    certificates: EtcdCertificates | undefined,
    args: readonly string[],
  ) {
    this.#folder = folder;
    this.#members = members;
    this.#certificates = certificates;
    this.#args = args;
  }

  static async start(options: EtcdClusterOptions): Promise<EtcdCluster> {
    const folder = await mkdtemp(join(tmpdir(), "isthmus-etcd-"));
    const certificates = options.isTls ? await makeEtcdCertificates(folder) : undefined;
    const ports = await freePorts(3 * options.members, systemRandom);
    const members = Array.from({ length: options.members }, (_, at) => ({
      name: `m${at}`,
      clientPort: ports[3 * at] ?? 0,
      peerPort: ports[3 * at + 1] ?? 0,
      proxyPort: ports[3 * at + 2] ?? 0,
    }));
    const cluster = new EtcdCluster(folder, members, certificates, options.args ?? []);
    for (const member of cluster.#members) {
      const pids = (): number[] => cluster.#members.flatMap(({ child }) => child?.pid ?? []);
      member.proxy = await PeerProxy.start(member.proxyPort, member.peerPort, pids);
      cluster.#spawn(member);
    }
    await cluster.ready();
    return cluster;
  }

  /** For a client that knows these members, or all. */
  access(members = this.#members.map((_, at) => at)): EtcdAccess {
    const { caFile, client } = this.#certificates ?? {};
    return {
      endpoints: members.map((at) => `${this.#scheme}://127.0.0.1:${this.#member(at).clientPort}`),
      caFile,
      certFile: client?.certFile,
      keyFile: client?.keyFile,
    };
  }

  /** Resolves when a majority answers. */
  async ready(): Promise<void> {
    const endpoints = must(etcdEndpoints(this.access()));
    const client = new EtcdClient({ callMs: 1000 }, { endpoints, clock: systemClock });
    const untilMs = systemClock.monotonicMs() + READY_MS;
    for (;;) {
      const range = { key: Buffer.from("x"), rangeEnd: Buffer.alloc(0), limit: 1, revision: 0 };
      const answer = await client.range(range);
      if (answer.ok) break;
      if (systemClock.monotonicMs() > untilMs) throw answer.error;
      await sleep(systemClock, 50, new AbortController().signal);
    }
    client.close();
  }

  /** kill -9. */
  async kill(at: number): Promise<void> {
    const member = this.#member(at);
    const { child } = member;
    if (child === undefined) return;
    member.child = undefined;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  restart(at: number): void {
    this.#spawn(this.#member(at));
  }

  /** Answers nobody, as on a disk that hangs. */
  freeze(at: number): void {
    this.#member(at).child?.kill("SIGSTOP");
  }

  thaw(at: number): void {
    this.#member(at).child?.kill("SIGCONT");
  }

  /** Its clients reach it, the other members do not, nor does it reach them. */
  partition(at: number): void {
    const pid = this.#member(at).child?.pid;
    this.#members.forEach(({ proxy }, other) => {
      proxy?.cut((from) => other === at || from === pid);
    });
  }

  heal(): void {
    for (const { proxy } of this.#members) proxy?.cut(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const at of this.#members.keys()) await this.kill(at);
    for (const { proxy } of this.#members) await proxy?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #scheme(): string {
    return this.#certificates === undefined ? "http" : "https";
  }

  #member(at: number): Member {
    const member = this.#members[at];
    if (member === undefined) throw new RangeError(`no member ${at}`);
    return member;
  }

  #spawn(member: Member): void {
    const { name, clientPort, peerPort, proxyPort } = member;
    const url = `${this.#scheme}://127.0.0.1:${clientPort}`;
    const initial = this.#members.map((m) => `${m.name}=http://127.0.0.1:${m.proxyPort}`);
    const tls = this.#certificates;
    const args = [
      ...["--name", name, "--data-dir", join(this.#folder, name)],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", `http://127.0.0.1:${peerPort}`],
      ...["--initial-advertise-peer-urls", `http://127.0.0.1:${proxyPort}`],
      ...["--initial-cluster", initial.join(","), "--initial-cluster-state", "new"],
      ...["--initial-cluster-token", "isthmus-test", "--logger", "zap", "--log-level", "error"],
      ...["--heartbeat-interval", "100", "--election-timeout", "1000"],
      ...(tls === undefined
        ? []
        : [
            ...["--cert-file", tls.server.certFile, "--key-file", tls.server.keyFile],
            ...["--trusted-ca-file", tls.caFile, "--client-cert-auth"],
          ]),
      ...this.#args,
    ];
    const log = openSync(join(this.#folder, `${name}.log`), "a");
    member.child = spawn("etcd", args, {
      stdio: ["ignore", log, log],
      env: { PATH: process.env["PATH"] ?? "", ETCD_UNSUPPORTED_ARCH: "arm64" },
    });
    closeSync(log);
  }
}
