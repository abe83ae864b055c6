import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { soleAuthority } from "./authorities.ts";
import { CertificateAuthority, createAuthorityMaterial } from "./certificate-authority.ts";
import { ServingCertificate, type ServingIdentity } from "./serving-certificate.ts";

const HOUR = 3600_000;
const stop = new AbortController();
afterEach(() => stop.abort());

let clock: VirtualClock;
let authority: CertificateAuthority;
beforeEach(async () => {
  clock = new VirtualClock();
  const material = await createAuthorityMaterial("prod", clock);
  const opened = material.ok ? await CertificateAuthority.open(material.value, clock) : material;
  if (!opened.ok) throw new Error(opened.error);
  authority = opened.value;
});

function aServing(hosts: readonly string[], lifetimeMs: number): ServingCertificate {
  const random = seededRandom(1);
  return new ServingCertificate(
    { hosts, lifetimeMs },
    { authorities: soleAuthority(authority), clock, random, log: silentLogger },
  );
}

/** Signing runs on a thread: wait for it, not for time. */
async function renewals(
  serving: ServingCertificate,
  count: number,
  act: () => Promise<void>,
): Promise<ServingIdentity[]> {
  const seen: ServingIdentity[] = [];
  const done = new Promise<void>((resolve) => {
    serving.subscribe((identity) => {
      seen.push(identity);
      if (seen.length === count) resolve();
    });
  });
  await act();
  await done;
  return seen;
}

describe("serving certificate", () => {
  test("is renewed after two thirds of its life and keeps serving valid ones", async () => {
    const serving = aServing(["hub.example"], 30 * HOUR);
    const controller = new AbortController();
    const first = await serving.start(controller.signal);
    await clock.advance(19 * HOUR);
    expect(first.ok && serving.current() === first.value).toBe(true);
    const [second] = await renewals(serving, 1, () => clock.advance(2 * HOUR));
    expect(serving.current()).toEqual(second);
    const leaf = new X509Certificate(serving.current()?.chainPem ?? "");
    expect(leaf.validToDate.getTime()).toBeGreaterThanOrEqual(clock.nowMs() + 29 * HOUR);
    controller.abort();
  });

  test("nothing runs on once the signal aborts", async () => {
    const controller = new AbortController();
    await aServing([], 3 * HOUR).start(controller.signal);
    expect(clock.nextTimerMs()).toBeDefined();
    controller.abort();
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  test.each([
    ["a space", "a b"],
    ["a scheme", "https://hub"],
    ["a port", "hub:1"],
    ["nothing", ""],
  ])("refuses %s as a host", async (_name, host) => {
    const started = await aServing([host], HOUR).start(stop.signal);
    expect(started.ok ? "" : started.error).toContain("must be a DNS name or an IP address");
  });
});
