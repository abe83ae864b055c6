import "reflect-metadata";
import { type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  BrokerClient,
  type BrokerMessage,
  type Hello,
  type MemberMessage,
} from "../../api/broker/broker.gen.ts";
import { rowKey, type ServiceRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { err, must, type Result } from "../../api/result.ts";
import type { AuditEvent, AuditLog } from "../../broker/audit/audit-log.ts";
import { soleAuthority } from "../../broker/identity/authority/authorities.ts";
import {
  type AuthorityMaterial,
  BROKER_SERVER_NAME,
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../broker/identity/authority/certificate-request.ts";
import { GrpcCertificateProvider } from "../../broker/identity/authority/grpc-certificate-provider.ts";
import { generateKeyPem } from "../../broker/identity/authority/key-pair.ts";
import { ServingCertificate } from "../../broker/identity/authority/serving-certificate.ts";
import { MemberIssuer } from "../../broker/identity/member-issuer.ts";
import { MemberRenewals } from "../../broker/identity/member-renewals.ts";
import { type HubPolicy, NO_POLICY } from "../../broker/policy/cluster-policy.ts";
import { type RunningBroker, startBroker } from "../../broker/server/start-broker.ts";
import type { Store } from "../../broker/store/store.ts";
import { encodeRow } from "../../broker/wire/encode-row.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { type Changing, unchanging } from "../../runtime/config/changing.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import type { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";

export interface TestBrokerOptions {
  readonly port?: number;
  readonly heartbeatIntervalMs?: number;
  readonly drainMs?: number;
  /** Given: the broker has a health listener too, which shows these metrics. */
  readonly meter?: PrometheusMeter;
  readonly log?: Logger;
  readonly policy?: Changing<HubPolicy>;
}

/** One clusterset's authority, and brokers with certificates of it on loopback. */
export class BrokerWorld implements AsyncDisposable {
  readonly authority: CertificateAuthority;
  readonly #material: AuthorityMaterial;
  readonly #serving: ServingCertificate;
  readonly #stopping = new AbortController();
  /** What the brokers' audit log was told. */
  readonly audited: AuditEvent[] = [];
  readonly audit: AuditLog = { record: (event) => void this.audited.push(event) };
  readonly #disposables: (() => void | Promise<void>)[] = [];

  private constructor(
    authority: CertificateAuthority,
    material: AuthorityMaterial,
    serving: ServingCertificate,
  ) {
    this.authority = authority;
    this.#material = material;
    this.#serving = serving;
  }

  static async create(): Promise<BrokerWorld> {
    const material = must(await createAuthorityMaterial("test-set", systemClock));
    const authority = must(await CertificateAuthority.open(material, systemClock));
    const authorities = soleAuthority(authority);
    const deps = { authorities, clock: systemClock, random: systemRandom, log: silentLogger };
    const serving = new ServingCertificate({ hosts: ["127.0.0.1"] }, deps);
    const world = new BrokerWorld(authority, material, serving);
    must(await serving.start(world.#stopping.signal));
    return world;
  }

  async startBroker(store: Store, options: TestBrokerOptions = {}): Promise<RunningBroker> {
    return must(await this.tryStartBroker(store, options));
  }

  async tryStartBroker(
    store: Store,
    {
      port = 0,
      heartbeatIntervalMs = 5000,
      drainMs = 0,
      meter,
      log = silentLogger,
      policy = unchanging(NO_POLICY),
    }: TestBrokerOptions = {},
  ): Promise<Result<RunningBroker, string>> {
    const started = await startBroker(
      {
        clusterset: "test-set",
        listen: { host: "127.0.0.1", port },
        heartbeatIntervalMs,
        drainMs,
        ...(meter === undefined ? {} : { healthListen: { host: "127.0.0.1", port: 0 } }),
      },
      {
        store,
        authority: { join: async () => err({ kind: "denied", text: "no joins here" }) },
        renewals: this.#renewals(store),
        audit: this.audit,
        certificates: new GrpcCertificateProvider(this.#serving, soleAuthority(this.authority)),
        clock: systemClock,
        log,
        policy,
        meter: meter ?? silentMeter,
        ...(meter === undefined ? {} : { metrics: meter }),
      },
    );
    if (started.ok) this.#disposables.push(() => started.value.stop());
    return started;
  }

  /** Renewals as a broker over this store gives them. */
  #renewals(store: Store): MemberRenewals {
    const authorities = soleAuthority(this.authority);
    const common = { authorities, members: store, clock: systemClock, audit: this.audit };
    return new MemberRenewals({}, { ...common, issuer: new MemberIssuer({}, common) });
  }

  /** A member's credentials, from this clusterset's authority or another's. */
  async certify(
    clusterId: string,
    incarnation: number,
    by = this.authority,
    lifeMs?: number,
  ): Promise<Credentials> {
    const keyPem = await generateKeyPem();
    const der = must(await createCertificateRequest(keyPem));
    const request = must(await parseCertificateRequest(der));
    const cluster = testCluster(clusterId);
    const issued = await by.issueMember(
      request,
      {
        clusterId: cluster,
        incarnation,
        clusterset: by.clusterset,
      },
      lifeMs,
    );
    return { cluster, keyPem, certPem: issued.certPem, caPem: this.authority.certPem };
  }

  /** What the brokers themselves show to members. */
  servingCredentials(): Credentials {
    const { keyPem = "", chainPem = "" } = this.#serving.current() ?? {};
    return { cluster: testCluster("a"), keyPem, certPem: chainPem, caPem: this.authority.certPem };
  }

  /** As the authority was so long ago: what it signs may have expired since. */
  authorityBefore(ms: number): Promise<CertificateAuthority> {
    const before: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() - ms };
    return CertificateAuthority.open(this.#material, before).then(must);
  }

  client(broker: RunningBroker, who?: Credentials): BrokerClient {
    const ca = Buffer.from(this.authority.certPem);
    const channel =
      who === undefined
        ? credentials.createSsl(ca)
        : credentials.createSsl(ca, Buffer.from(who.keyPem), Buffer.from(who.certPem));
    const client = new BrokerClient(`127.0.0.1:${broker.listen.port}`, channel, {
      "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#disposables.push(() => client.close());
    return client;
  }

  open(broker: RunningBroker, who?: Credentials): TestStream {
    const stream = new TestStream(this.client(broker, who).sync());
    this.#disposables.push(() => stream.cancel());
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    for (const dispose of this.#disposables.reverse()) await dispose();
  }
}

export interface Credentials {
  readonly cluster: ClusterId;
  readonly keyPem: string;
  readonly certPem: string;
  readonly caPem: string;
}

type Said = NonNullable<BrokerMessage["message"]>;
type Case = Said["$case"];

/** A member that says exactly what a test tells it to, and notes all it hears. */
export class TestStream {
  readonly #call: ClientDuplexStream<MemberMessage, BrokerMessage>;
  readonly heard: Said[] = [];
  error: ServiceError | undefined;
  #isEnded = false;
  readonly #waiting = new Set<() => void>();

  constructor(call: ClientDuplexStream<MemberMessage, BrokerMessage>) {
    this.#call = call;
    call.on("data", ({ message }: BrokerMessage) => {
      if (message !== undefined) this.heard.push(message);
      this.#wake();
    });
    call.on("error", (error: ServiceError) => {
      this.error = error;
      this.#wake();
    });
    call.on("end", () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  say(message: NonNullable<MemberMessage["message"]>): void {
    this.#call.write({ message });
  }

  hello(change: Partial<Hello> = {}): void {
    const value = {
      protocolVersions: [1],
      storeEpoch: "",
      namespaces: [],
      known: [],
      cidrs: [],
      capabilities: [],
      ownDigest: new Uint8Array(),
    };
    this.say({ $case: "hello", value: { ...value, ...change } });
  }

  put(sequence: number, row: ServiceRow): void {
    this.say({ $case: "put", value: { sequence, row: encodeRow(row) } });
  }

  delete(sequence: number, row: ServiceRow): void {
    this.say({ $case: "delete", value: { sequence, key: rowKey(row) } });
  }

  subscribe(generation: number, add: string[], remove: string[] = []): void {
    this.say({ $case: "subscribe", value: { generation, add, remove } });
  }

  ping(): void {
    this.say({ $case: "ping", value: { nonce: 1 } });
  }

  complete(): void {
    this.say({ $case: "ownComplete", value: { sequence: 0 } });
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  cancel(): void {
    this.#call.cancel();
  }

  /** Waits for a message of a kind that fits, from the `from`th heard on. */
  async hear<C extends Case>(
    $case: C,
    fits: (value: Value<C>) => boolean = () => true,
    from = 0,
  ): Promise<Value<C>> {
    // Each message is looked at once: a flood of them would take the square of its size otherwise.
    for (let at = from; ; ) {
      for (; at < this.heard.length; at++) {
        const message = this.heard[at];
        const value = message === undefined ? undefined : valueOf($case, message);
        if (value !== undefined && fits(value)) return value;
      }
      if (this.error !== undefined) throw this.error;
      if (this.#isEnded) throw new Error(`stream ended before ${$case}`);
      await this.#change();
    }
  }

  /** Waits for the stream's failure. */
  async failure(): Promise<ServiceError> {
    while (this.error === undefined) await this.#change();
    return this.error;
  }

  count($case: Case, from = 0): number {
    return this.heard.slice(from).filter((message) => message.$case === $case).length;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

type Values = { readonly [M in Said as M["$case"]]: M["value"] };
type Value<C extends Case> = Values[C];

function valueOf<C extends Case>($case: C, message: Said): Value<C> | undefined {
  return message.$case === $case ? (message.value as Value<C>) : undefined;
}
