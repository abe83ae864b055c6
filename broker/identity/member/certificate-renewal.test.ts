import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { err, ok, type Result } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { CertificateRenewal } from "./certificate-renewal.ts";
import { memberMaterial } from "./identity-store-compliance.ts";
import {
  type MemberIdentity,
  type MemberMaterial,
  parseMemberIdentity,
} from "./member-identity.ts";
import type { RenewalFailure } from "./renew-certificate.ts";

const HOUR = 3600_000;

let clock: VirtualClock;
let stop: AbortController;
let saved: MemberMaterial[];
let saveFailure: string | undefined;
/** What another process has put where this one saves. */
let stored: MemberIdentity | undefined;
/** When each try was made, hours after the start, and where. */
let tries: { readonly hour: number; readonly address: string }[];
let answer: () => Promise<Result<MemberIdentity, RenewalFailure>>;

/** Made in advance: signing takes a thread and real time. */
const issued = new Map<number, MemberIdentity>();
beforeAll(async () => {
  for (const hour of [0, 16, 17, 32]) {
    const at = new VirtualClock(new VirtualClock().nowMs() + hour * HOUR);
    const parsed = parseMemberIdentity(await memberMaterial("east", at), at.nowMs());
    if (!parsed.ok) throw new Error(parsed.error);
    issued.set(hour, parsed.value);
  }
});

beforeEach(() => {
  clock = new VirtualClock();
  stop = new AbortController();
  saved = [];
  saveFailure = undefined;
  stored = undefined;
  tries = [];
  const startMs = clock.nowMs();
  answer = async () => ok(issuedAt(Math.floor((clock.nowMs() - startMs) / HOUR)));
});

/** As a join or a renewal this many hours after the start would give it. */
function issuedAt(hour: number): MemberIdentity {
  const identity = issued.get(hour);
  if (identity === undefined) throw new Error(`none was made for hour ${hour}`);
  return identity;
}

const unreachable = (): Promise<Result<MemberIdentity, RenewalFailure>> =>
  Promise.resolve(err({ kind: "unreachable", message: "connection refused" }));

function renewal(random: Random = { next: () => 0 }): CertificateRenewal {
  const startMs = clock.nowMs();
  return new CertificateRenewal(
    issuedAt(0),
    { addresses: ["hub-a:1", "hub-b:2"] },
    {
      store: {
        load: async () => ok(stored),
        save: async (material) => {
          if (saveFailure !== undefined) return err(saveFailure);
          saved.push(material);
          return ok(undefined);
        },
      },
      renew: (_identity, address) => {
        tries.push({ hour: (clock.nowMs() - startMs) / HOUR, address });
        return answer();
      },
      clock,
      random,
      log: silentLogger,
      meter: silentMeter,
    },
  );
}

async function pass(hours: number): Promise<void> {
  for (let minute = 0; minute < hours * 60; minute += 1) await clock.advance(60_000);
}

describe("certificate renewal", () => {
  test("begins after two thirds of the certificate's life, and again for each new one", async () => {
    const renewing = renewal();
    const before = renewing.current();
    let told = 0;
    renewing.subscribe(() => (told += 1));
    const running = renewing.run(stop.signal);
    await pass(15.9);
    expect(tries).toEqual([]);
    await pass(0.2);
    expect(tries).toEqual([{ hour: 16, address: "hub-a:1" }]);
    expect(renewing.current().certPem).not.toBe(before.certPem);
    expect(saved.map(({ certPem }) => certPem)).toEqual([renewing.current().certPem]);
    expect(told).toBe(1);
    await pass(16.1);
    expect(tries).toHaveLength(2);
    stop.abort();
    await running;
  });

  test("is drawn later for some, so that not all come at once, and never late", async () => {
    const renewing = renewal({ next: () => 0.999 });
    answer = async () => ok(issuedAt(17));
    const running = renewing.run(stop.signal);
    await pass(18);
    const [first] = tries;
    expect(first?.hour).toBeGreaterThan(17.5);
    stop.abort();
    await running;
  });

  test("is tried again with backoff, at the brokers in turn, until one answers; the old one is used meanwhile", async () => {
    const renewing = renewal();
    const before = renewing.current();
    answer = unreachable;
    const running = renewing.run(stop.signal);
    await pass(17);
    expect(renewing.current()).toBe(before);
    expect(new Set(tries.map(({ address }) => address))).toEqual(new Set(["hub-a:1", "hub-b:2"]));
    // At most ten minutes apart, and not a flood.
    expect(tries.length).toBeGreaterThan(6);
    expect(tries.length).toBeLessThan(25);
    answer = async () => ok(issuedAt(17));
    await pass(0.2);
    expect(renewing.current()).not.toBe(before);
    stop.abort();
    await running;
  });

  test("ends when the certificate has expired, and says what to do", async () => {
    const renewing = renewal();
    answer = unreachable;
    const running = renewing.run(stop.signal);
    expect(renewing.problem()).toBeUndefined();
    await pass(24.2);
    await running;
    expect(renewing.problem()).toBe(
      "certificate expired at 2026-01-02T00:00:00.000Z: join again with a new token",
    );
    expect(tries.every(({ hour }) => hour < 24)).toBe(true);
  });

  test("uses what it could not save, and saves it as soon as it can", async () => {
    const renewing = renewal();
    const before = renewing.current();
    saveFailure = "disk full";
    const running = renewing.run(stop.signal);
    await pass(16.2);
    expect([renewing.current() === before, saved]).toEqual([false, []]);
    saveFailure = undefined;
    await pass(0.1);
    expect(saved.at(-1)?.certPem).toBe(renewing.current().certPem);
    stop.abort();
    await running;
  });

  test("takes what another replica has renewed instead of asking for more, also when its own has expired", async () => {
    const renewing = renewal();
    const running = renewing.run(stop.signal);
    let told = 0;
    renewing.subscribe(() => (told += 1));
    stored = issuedAt(16);
    await pass(16.1);
    expect([renewing.current(), tries, told]).toEqual([stored, [], 1]);
    // Both were away.
    answer = unreachable;
    await pass(23.8);
    stored = issuedAt(32);
    await pass(0.4);
    expect([renewing.current(), renewing.problem(), told]).toEqual([stored, undefined, 2]);
    stop.abort();
    await running;
  });

  test("leaves alone what is stored for another life: that is for the next start", async () => {
    const renewing = renewal();
    const running = renewing.run(stop.signal);
    stored = { ...issuedAt(32), incarnation: 4 };
    await pass(16.1);
    expect(tries).toHaveLength(1);
    stop.abort();
    await running;
  });

  test("leaves no timer behind", async () => {
    const renewing = renewal();
    const running = renewing.run(stop.signal);
    await pass(1);
    stop.abort();
    await running;
    expect(clock.timerCount).toBe(0);
  });
});
