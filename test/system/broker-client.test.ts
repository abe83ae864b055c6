import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { must, type Result } from "../../api/result.ts";
import { silentAudit as audit } from "../../broker/audit/audit-log.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import { describeBrokerLink, type LinkWorld } from "../../broker/client/link-compliance.ts";
import { trustBundle } from "../../broker/identity/authority/authorities.ts";
import { type BrokerIdentity, openBrokerIdentity } from "../../broker/identity/broker-identity.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { type JoinFailure, joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { type CreateTokenOptions, createToken } from "../../broker/identity/token/create-token.ts";
import { type RunningBroker, startBroker } from "../../broker/server/start-broker.ts";
import { FolderRecords } from "../../broker/shared/folder-records.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { until } from "./until.ts";

/** A broker on loopback with a real authority; its store survives restarts of it. */
class TestBroker implements AsyncDisposable {
  readonly dir: string;
  readonly store = new MemoryStore("epoch-1");
  readonly #stop = new AbortController();
  #identity: BrokerIdentity | undefined;
  #running: RunningBroker | undefined;
  port = 0;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async start(): Promise<TestBroker> {
    const broker = new TestBroker(await mkdtemp(join(tmpdir(), "isthmus-broker-")));
    await broker.start();
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const records = new FolderRecords(join(this.dir, "data"));
    const identity = must(
      await openBrokerIdentity(
        { clusterset: "prod", hosts: [] },
        { records, store: this.store, clock, random, log, audit },
        this.#stop.signal,
      ),
    );
    this.#identity = identity;
    this.#running = must(
      await startBroker(
        { clusterset: "prod", listen: { host: "127.0.0.1", port: this.port } },
        { store: this.store, ...identity, clock, log, meter, audit },
      ),
    );
    this.port = this.#running.listen.port;
  }

  /** What it shows to those who connect. */
  async serving(): Promise<{ keyPem: string; chainPem: string; caPem: string }> {
    const identity = this.#identity;
    const current = identity?.serving.current();
    if (identity === undefined || current === undefined) throw new Error("broker is not started");
    const caPem = trustBundle(identity.authorities);
    return { ...current, caPem };
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }

  async token(options: CreateTokenOptions): Promise<string> {
    if (this.#identity === undefined) throw new Error("broker is not started");
    const { tokens, authorities } = this.#identity;
    const deps = { tokens, members: this.store, pins: authorities.tokenPins, clock, audit };
    return must(await createToken(options, deps)).text;
  }

  identityStore(name: string): FileIdentityStore {
    return new FileIdentityStore(join(this.dir, name), { clock });
  }

  async join(
    clusterId: string,
    token: string,
    store = this.identityStore(clusterId),
  ): Promise<Result<MemberIdentity, JoinFailure>> {
    const options = { clusterId, token, address: this.address, timeoutMs: 3000 };
    return joinClusterset(options, { store, clock, random });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

describe("joining over gRPC", () => {
  test("a token that carries the address is all a cluster needs; the identity is kept", async () => {
    await using broker = await TestBroker.start();
    const token = await broker.token({ clusterId: "a", brokerAddress: broker.address });
    const store = broker.identityStore("a");
    const joined = must(await joinClusterset({ clusterId: "a", token }, { store, clock, random }));
    expect(joined).toMatchObject({
      clusterId: "a",
      clusterset: "prod",
      brokerAddress: broker.address,
    });
    expect(must(await store.load())).toEqual(joined);
    expect(must(await store.loadJoinKey())).toBeUndefined();
    expect((await stat(join(broker.dir, "a", "member-identity.json"))).mode & 0o777).toBe(0o600);
  });

  test("a broker of another authority is not shown the token", async () => {
    await using broker = await TestBroker.start();
    await using impostor = await TestBroker.start();
    const token = await broker.token({ clusterId: "a", brokerAddress: impostor.address });
    const store = broker.identityStore("a");
    const joined = await joinClusterset({ clusterId: "a", token }, { store, clock, random });
    expect(joined.ok ? undefined : joined.error).toMatchObject({
      kind: "untrusted",
      message: expect.stringContaining("must present the authority"),
    });
    // Still unused at the real one.
    must(await broker.join("a", token, store));
  });

  test("a server that borrows the authority's certificate without its key never sees the token", async () => {
    await using broker = await TestBroker.start();
    await using impostor = await TestBroker.start();
    const token = await broker.token({ clusterId: "a" });
    const { keyPem, chainPem } = await impostor.serving();
    const [leaf = ""] = chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    const borrowed = leaf + (await broker.serving()).caPem;
    let seen = "";
    const options = { key: keyPem, cert: borrowed, ALPNProtocols: ["h2"] };
    const server = createTlsServer(options, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => (seen += data.toString("latin1")));
    });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const joined = await joinClusterset(
      { clusterId: "a", token, address: `127.0.0.1:${portOf(server)}`, timeoutMs: 1500 },
      { store: broker.identityStore("a"), clock, random },
    );
    server.close();
    expect(joined.ok).toBe(false);
    expect(seen).not.toContain("isthmus-join");
  });

  test("a join whose answer is lost can be repeated with its key, and by nobody else", async () => {
    await using broker = await TestBroker.start();
    const token = await broker.token({ clusterId: "a" });
    const store = broker.identityStore("a");
    const lossy = {
      ...bind(store),
      save: async () => ({ ok: false as const, error: "disk full" }),
    };
    const first = await joinClusterset(
      { clusterId: "a", token, address: broker.address },
      { store: lossy, clock, random },
    );
    expect(first).toMatchObject({ ok: false, error: { kind: "storage" } });
    expect(await broker.join("a", token, broker.identityStore("thief"))).toMatchObject({
      ok: false,
      error: { kind: "refused", message: expect.stringContaining("must be unused") },
    });
    must(await broker.join("a", token, store));
  });

  test("says who is not there, within the deadline", async () => {
    await using broker = await TestBroker.start();
    const token = await broker.token({ clusterId: "a" });
    await broker.stop();
    const joined = await broker.join("a", token);
    expect(joined.ok ? undefined : joined.error).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("a server that accepts and says nothing is given up", async () => {
    await using broker = await TestBroker.start();
    const token = await broker.token({ clusterId: "a" });
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const joined = await joinClusterset(
      { clusterId: "a", token, address: `127.0.0.1:${portOf(silent)}`, timeoutMs: 500 },
      { store: broker.identityStore("a"), clock, random },
    );
    silent.close();
    expect(joined).toMatchObject({ ok: false, error: { kind: "unreachable" } });
  });
});

describe("a member that has been replaced", () => {
  test("is rejected, with the reason in its status", async () => {
    await using broker = await TestBroker.start();
    const old = must(await broker.join("a", await broker.token({ clusterId: "a" })));
    const store = broker.identityStore("a2");
    must(await broker.join("a", await broker.token({ clusterId: "a", replace: true }), store));
    const stop = new AbortController();
    const link = createGrpcBrokerLink({ identity: () => old }, { clock, random, log });
    link.setNamespaces(new Set(["shop"]));
    link.start(stop.signal);
    await until(() => link.status().kind === "rejected");
    expect(link.status()).toMatchObject({ reason: expect.stringContaining("incarnation") });
    stop.abort();
  });
});

describeBrokerLink("gRPC", async () => {
  const broker = await TestBroker.start();
  const identities = new Map<string, MemberIdentity>();
  for (const id of ["a", "b"]) {
    identities.set(id, must(await broker.join(id, await broker.token({ clusterId: id }))));
  }
  const stop = new AbortController();
  const world: LinkWorld = {
    link: (cluster) => {
      const identity = identities.get(cluster);
      if (identity === undefined) throw new Error(`no member ${cluster}`);
      const own = new AbortController();
      const link = createGrpcBrokerLink({ identity: () => identity }, { clock, random, log });
      link.start(AbortSignal.any([own.signal, stop.signal]));
      return Promise.resolve(Object.assign(link, { stop: () => own.abort() }));
    },
    stopBroker: () => broker.stop(),
    startBroker: () => broker.start(),
    until,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await broker[Symbol.asyncDispose]();
    },
  };
  return world;
});

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A store's methods as an object, so that one of them can be replaced. */
function bind(
  store: FileIdentityStore,
): Pick<FileIdentityStore, "load" | "save" | "remove" | "loadJoinKey" | "saveJoinKey"> {
  return {
    load: () => store.load(),
    save: (material) => store.save(material),
    remove: () => store.remove(),
    loadJoinKey: () => store.loadJoinKey(),
    saveJoinKey: (pem) => store.saveJoinKey(pem),
  };
}
