import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must, type Result } from "../../api/result.ts";
import { serviceKey } from "../../api/service-key.ts";
import { silentAudit as audit } from "../../broker/audit/audit-log.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import { type BrokerIdentity, openBrokerIdentity } from "../../broker/identity/broker-identity.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import {
  type RenewalFailure,
  renewCertificate,
} from "../../broker/identity/member/renew-certificate.ts";
import { createToken } from "../../broker/identity/token/create-token.ts";
import { type RunningBroker, startBroker } from "../../broker/server/start-broker.ts";
import { FolderRecords } from "../../broker/shared/folder-records.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { renewIdentity } from "../../cli/membership/renew-identity.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { until } from "./until.ts";

const MINUTE = 60_000;
/** Certificates begin an hour before they are issued: for TLS, which knows real time alone, some minutes ahead are fine. */
const LIFE = 6 * MINUTE;

let dir: string;
let aheadMs: number;
/** Wall time that tests move on; monotonic time and timers are real. */
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
const stop = { signal: new AbortController() };
let store: MemoryStore;
let running: RunningBroker[];
let identity: BrokerIdentity;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-identity-"));
  aheadMs = 0;
  stop.signal = new AbortController();
  store = new MemoryStore("e1");
  running = [];
  identity = await openIdentity();
});
afterEach(async () => {
  stop.signal.abort();
  await Promise.all(running.map((broker) => broker.stop()));
  await rm(dir, { recursive: true, force: true });
});

async function openIdentity(certificateLifeMs = LIFE): Promise<BrokerIdentity> {
  return must(
    await openBrokerIdentity(
      { clusterset: "prod", hosts: [], certificateLifeMs, renewalPauseMs: 0 },
      { records: new FolderRecords(dir), store, clock, random, log, audit },
      stop.signal.signal,
    ),
  );
}

async function start(drainMs = 0, of = identity): Promise<RunningBroker> {
  const local = { host: "127.0.0.1", port: 0 };
  const broker = must(
    await startBroker(
      { clusterset: "prod", listen: local, healthListen: local, drainMs },
      { store, ...of, clock, log, meter, audit },
    ),
  );
  running.push(broker);
  return broker;
}

async function aToken(clusterId: string, replace = false): Promise<string> {
  const { tokens, authorities } = identity;
  const deps = { tokens, members: store, pins: authorities.tokenPins, clock, audit };
  const options = { clusterId, replace, ttlMs: 60 * MINUTE };
  return must(await createToken(options, deps)).text;
}

async function joinAs(
  clusterId: string,
  broker: RunningBroker,
  token?: string,
): Promise<MemberIdentity> {
  const address = addressOf(broker);
  const options = { clusterId, address, timeoutMs: 10_000 };
  const identityStore = new FileIdentityStore(join(dir, `member-${clusterId}`), { clock });
  return must(
    await joinClusterset(
      { ...options, token: token ?? (await aToken(clusterId)) },
      { store: identityStore, clock, random },
    ),
  );
}

function addressOf(broker: RunningBroker): string {
  return `127.0.0.1:${broker.listen.port}`;
}

/** A member with its real link, which notes whenever a row that it has seen is not there. */
class Member {
  readonly link: MemberLink;
  identity: MemberIdentity;
  readonly lapses: string[] = [];
  #seen = new Set<string>();

  constructor(of: MemberIdentity, otherAddresses: readonly string[] = []) {
    this.identity = of;
    this.link = createGrpcBrokerLink(
      { identity: () => this.identity, otherAddresses },
      { clock, random, log },
    );
    this.link.subscribe(() => this.#look());
    this.link.setNamespaces(new Set(["shop"]));
    this.link.setOwnRows(serviceKey("shop", of.clusterId), [anExportRow({ name: of.clusterId })]);
    this.link.markOwnComplete();
    this.link.start(stop.signal.signal);
  }

  get isSynced(): boolean {
    const state = this.link.status();
    return state.kind === "connected" && state.synced;
  }

  get seen(): readonly string[] {
    return [...this.link.foreignServices()].map(String).toSorted();
  }

  async renew(
    broker: RunningBroker,
    nowMs = clock.nowMs(),
  ): Promise<Result<MemberIdentity, RenewalFailure>> {
    const address = addressOf(broker);
    const { signal } = stop.signal;
    const renewed = await renewCertificate(this.identity, address, nowMs, signal);
    if (renewed.ok) this.identity = renewed.value;
    return renewed;
  }

  #look(): void {
    const now = new Set(this.seen);
    for (const service of this.#seen) if (!now.has(service)) this.lapses.push(service);
    this.#seen = now;
  }
}

function startMember(of: MemberIdentity, otherAddresses: readonly string[] = []): Member {
  return new Member(of, otherAddresses);
}

function issuerOf({ certPem }: Pick<MemberIdentity, "certPem">): string {
  const certificate = new X509Certificate(certPem);
  const by = identity.authorities.trusted.find((one) =>
    certificate.verify(new X509Certificate(one.certPem).publicKey),
  );
  return by?.fingerprint ?? "nobody who is trusted";
}

describe("renewal", () => {
  test("goes on over a new stream with the new certificate; nothing is sent again and nobody notices", async () => {
    const broker = await start();
    const [a, b] = [startMember(await joinAs("a", broker)), startMember(await joinAs("b", broker))];
    await until(() => a.seen.length === 1 && b.seen.length === 1);
    const old = a.identity;
    const serial = (): string | undefined =>
      store.table.member(testCluster("a"))?.certificateSerial;
    const [oldSerial, oldSequence] = [serial(), store.table.owner(testCluster("a"))?.sequence];
    must(await a.renew(broker));
    expect(a.identity.keyPem).not.toBe(old.keyPem);
    expect(serial()).not.toBe(oldSerial);
    expect(a.isSynced).toBe(true);
    // The present stream is as good as before.
    let opened = 0;
    a.link.subscribe(({ kind }) => (opened += kind === "connection-changed" ? 1 : 0));
    a.link.reopen(0);
    await until(() => opened >= 2 && a.isSynced);
    expect(broker.hub.connectedMembers.toSorted()).toEqual(["a", "b"]);
    expect([a.lapses, b.lapses]).toEqual([[], []]);
    expect(store.table.owner(testCluster("a"))?.sequence).toBe(oldSequence);
  });

  test("happens by itself once it is due, is saved, and moves the stream before the old certificate ends", async () => {
    const broker = await start();
    const joined = await joinAs("a", broker);
    const identityStore = new FileIdentityStore(join(dir, "member-a"), { clock });
    const renewal = renewIdentity(
      joined,
      { store: identityStore, otherAddresses: [] },
      { clock, random, log, meter },
    );
    const link = createGrpcBrokerLink(
      { identity: () => renewal.current() },
      { clock, random, log },
    );
    let renewed = 0;
    renewal.subscribe(() => {
      renewed += 1;
      link.reopen(0);
    });
    link.setNamespaces(new Set(["shop"]));
    link.start(stop.signal.signal);
    await until(() => link.hasSynced());
    // Less than a third of its life is left.
    aheadMs = LIFE - MINUTE;
    const renewing = renewal.run(stop.signal.signal);
    await until(() => renewed === 1);
    expect(must(await identityStore.load())).toEqual(renewal.current());
    expect(renewal.current().certPem).not.toBe(joined.certPem);
    // The stream there is now was opened with the new certificate: the first one ends with the old.
    const { incarnation } = joined;
    const openedAtMs = (): number => broker.hub.activity(joined.clusterId).connectedAtMs ?? 0;
    await until(() => openedAtMs() - incarnation > LIFE / 2);
    stop.signal.abort();
    await renewing;
  });

  test("is given as long as the certificate is valid, and not a moment longer: then a new token is needed", async () => {
    const broker = await start();
    const member = startMember(await joinAs("a", broker));
    await until(() => member.isSynced);
    aheadMs = LIFE - MINUTE;
    must(await member.renew(broker));
    aheadMs += LIFE;
    expect(await member.renew(broker)).toMatchObject({
      ok: false,
      error: {
        kind: "refused",
        message: expect.stringMatching(/client certificate must be unexpired: it expired at/),
      },
    });
    await joinAs("a", broker, await aToken("a", true));
  });
});

describe("clocks that differ", () => {
  test.each([
    { name: "ahead of the member's by 50 minutes", ms: 50 * MINUTE },
    { name: "behind the member's by 50 minutes", ms: -50 * MINUTE },
  ])("a hub $name lets it in, renews it and is trusted", async ({ ms }) => {
    aheadMs = ms;
    identity = await openIdentity(24 * 60 * MINUTE);
    const broker = await start();
    // A member whose own clock is the real one.
    const storeOfMember = new FileIdentityStore(join(dir, "skewed"), { clock: systemClock });
    const joined = await joinClusterset(
      { clusterId: "a", token: await aToken("a"), address: addressOf(broker), timeoutMs: 10_000 },
      { store: storeOfMember, clock: systemClock, random },
    );
    const member = startMember(must(joined));
    await until(() => member.isSynced);
    must(await member.renew(broker, systemClock.nowMs()));
    member.link.reopen(0);
    await until(() => member.isSynced);
    must(await storeOfMember.save(member.identity));
    expect(must(await storeOfMember.load())?.certPem).toBe(member.identity.certPem);
  });
});

describe("rotation of the authority", () => {
  test("drops nobody: at each phase all see each other, old and new tokens let in; who stayed away joins again", async () => {
    const broker = await start();
    const { authorities } = identity;
    const [a, b] = [startMember(await joinAs("a", broker)), startMember(await joinAs("b", broker))];
    const away = await joinAs("away", broker);
    const early = await aToken("early");
    const old = authorities.signing.fingerprint;
    const { switchAtMs, retireAtMs } = must(
      await authorities.rotate({
        certificateLifeMs: LIFE,
        lastCertificateMs: clock.nowMs(),
        lastTokenMs: clock.nowMs(),
      }),
    );
    const next = authorities.trusted.map(({ fingerprint }) => fingerprint).find((f) => f !== old);
    const served = (): string => {
      const { chainPem = "" } = identity.serving.current() ?? {};
      return issuerOf({ certPem: chainPem });
    };
    /** Everybody whose renewal is due renews, as time goes on. */
    const moveTo = async (atMs: number): Promise<void> => {
      while (clock.nowMs() < atMs) {
        aheadMs += Math.min(LIFE / 2, atMs - clock.nowMs());
        must(await authorities.look());
        for (const member of [a, b]) {
          must(await member.renew(broker));
          member.link.reopen(0);
        }
        await until(() => a.isSynced && b.isSynced);
      }
    };
    const everybodySeesAll = async (count: number): Promise<void> => {
      await until(() => a.seen.length === count && b.seen.length === count);
    };

    const late = await aToken("late");
    await moveTo(switchAtMs - MINUTE);
    expect([issuerOf(a.identity), served()]).toEqual([old, old]);
    startMember(await joinAs("early", broker, early));
    await everybodySeesAll(2);

    await moveTo(switchAtMs);
    await until(() => served() === next);
    await moveTo(switchAtMs + MINUTE);
    expect(issuerOf(a.identity)).toBe(next);
    // Made while the old one signed: it names both.
    startMember(await joinAs("late", broker, late));
    await everybodySeesAll(3);

    await moveTo(retireAtMs);
    must(await authorities.look());
    expect(authorities.trusted.map(({ fingerprint }) => fingerprint)).toEqual([next]);
    await moveTo(retireAtMs + MINUTE);
    a.link.setOwnRows(serviceKey("shop", "after"), [anExportRow({ name: "after" })]);
    await until(() => b.seen.some((service) => service.includes("after")));
    expect([a.lapses, b.lapses]).toEqual([[], []]);

    // Its certificate is of an authority that nobody knows any more.
    const stranger = startMember(away);
    expect((await stranger.renew(broker)).ok).toBe(false);
    await until(() => stranger.link.status().kind !== "connected");
    startMember(await joinAs("away", broker, await aToken("away", true)));
    await until(() => broker.hub.connectedMembers.includes(testCluster("away")));
  });
});

describe("draining", () => {
  test("hands the members to another replica: their rows are not sent again, and nobody sees them go", async () => {
    const one = await start(1500);
    const two = await start(0, await openIdentity());
    const others = [addressOf(two)];
    const [a, b] = [
      startMember(await joinAs("a", one), others),
      startMember(await joinAs("b", one), others),
    ];
    await until(() => a.seen.length === 1 && b.seen.length === 1);
    const first = one.hub.connectedMembers.length;
    expect(first).toBe(2);
    const sequences = (): readonly (number | undefined)[] =>
      ["a", "b"].map((name) => store.table.owner(testCluster(name))?.sequence);
    const before = sequences();
    const failures: string[] = [];
    for (const { link } of [a, b]) {
      link.subscribe(() => {
        const state = link.status();
        if (state.kind === "connecting" && state.lastError !== undefined) {
          failures.push(state.lastError);
        }
      });
    }
    const probe = async (): Promise<readonly [number, string]> => {
      const response = await fetch(`http://127.0.0.1:${one.healthListen?.port}/readyz`);
      return [response.status, await response.text()];
    };
    expect((await probe())[0]).toBe(200);
    const stopped = one.stop();
    // Still serving those who are there, but nobody new is to be sent here.
    expect(await probe()).toEqual([503, expect.stringContaining("stopping")]);
    await stopped;
    await until(() => two.hub.connectedMembers.length === 2 && a.isSynced && b.isSynced);
    expect(failures).toEqual([]);
    expect(sequences()).toEqual(before);
    expect([a.lapses, b.lapses]).toEqual([[], []]);
  });
});
