import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { AuditEvent } from "../audit/audit-log.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { soleAuthority } from "./authority/authorities.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "./authority/certificate-authority.ts";
import { createCertificateRequest } from "./authority/certificate-request.ts";
import { generateKeyPem } from "./authority/key-pair.ts";
import { privateKeyFingerprint } from "./authority/public-key-fingerprint.ts";
import { MemberIssuer } from "./member-issuer.ts";
import { MemberRenewals } from "./member-renewals.ts";
import { parsePeerIdentity } from "./peer-identity.ts";

const HOUR = 3600_000;
const a = testCluster("a");
const peer = { cluster: a, incarnation: 4, certificateSerial: "ab" };

let clock: VirtualClock;
let store: MemoryStore;
let renewals: MemberRenewals;
let audited: AuditEvent[];
beforeEach(async () => {
  clock = new VirtualClock();
  store = new MemoryStore("e1");
  audited = [];
  const material = must(await createAuthorityMaterial("prod", clock));
  const authorities = soleAuthority(must(await CertificateAuthority.open(material, clock)));
  const audit = { record: (event: AuditEvent) => void audited.push(event) };
  const common = { authorities, members: store, clock, audit };
  const issuer = new MemberIssuer({ certificateLifeMs: 2 * HOUR }, common);
  renewals = new MemberRenewals({}, { ...common, issuer });
  await store.putMember({ ...peer, joinedAtMs: 7 });
});

async function renew(
  change: Partial<Parameters<MemberRenewals["renew"]>[0]> = {},
): ReturnType<MemberRenewals["renew"]> {
  const csrDer = must(await createCertificateRequest(await generateKeyPem()));
  return renewals.renew({ peer, keyFingerprint: "of the present key", csrDer, ...change });
}

describe("renewing", () => {
  test("gives the same life a new certificate, and the store its serial and end", async () => {
    await clock.advance(HOUR);
    const { certificateChainPem } = must(await renew());
    const certificate = new X509Certificate(certificateChainPem);
    expect(must(parsePeerIdentity(certificate.raw))).toEqual({
      clusterset: "prod",
      clusterId: "a",
      incarnation: 4,
    });
    const certificateExpiresAtMs = clock.nowMs() + 2 * HOUR;
    expect(certificate.validToDate.getTime()).toBe(certificateExpiresAtMs);
    const certificateSerial = certificate.serialNumber.toLowerCase();
    expect(store.members()).toEqual([
      { cluster: "a", incarnation: 4, joinedAtMs: 7, certificateSerial, certificateExpiresAtMs },
    ]);
    expect(audited).toMatchObject([{ kind: "renewed", cluster: "a", serial: certificateSerial }]);
  });

  test.each([
    {
      name: "of a life that is over",
      act: () => store.putMember({ ...peer, incarnation: 5, joinedAtMs: 8 }),
      want: "certificate must be of the current incarnation 5 of a: got 4",
    },
    {
      name: "of a member that was removed",
      act: () => store.removeMember(a),
      want: "a left with incarnation 4",
    },
    {
      name: "of a member that is revoked",
      act: () => store.putMember({ ...peer, joinedAtMs: 7, frozenAtMs: 9 }),
      want: "cluster must not be revoked: a was at",
    },
  ])("is denied for a certificate $name", async ({ act, want }) => {
    await act();
    const renewed = await renew();
    expect(renewed).toMatchObject({
      ok: false,
      error: { kind: "denied", text: expect.stringContaining(want) },
    });
    expect(audited).toEqual([]);
  });

  test("needs a key of its own each time", async () => {
    const keyPem = await generateKeyPem();
    const csrDer = must(await createCertificateRequest(keyPem));
    const keyFingerprint = privateKeyFingerprint(keyPem);
    expect(await renew({ csrDer, keyFingerprint })).toMatchObject({
      ok: false,
      error: { kind: "invalid", text: expect.stringContaining("key must be a new one") },
    });
  });

  test("is told from garbage", async () => {
    const csrDer = new Uint8Array([1, 2, 3]);
    expect(await renew({ csrDer })).toMatchObject({ ok: false, error: { kind: "invalid" } });
  });

  test("is rare: a member that asks again at once waits, another does not", async () => {
    const b = { ...peer, cluster: testCluster("b") };
    await store.putMember({ ...b, joinedAtMs: 7 });
    must(await renew());
    expect(await renew()).toMatchObject({ ok: false, error: { kind: "too-soon" } });
    must(await renew({ peer: b }));
    await clock.advance(5000);
    must(await renew());
  });

  test("does not undo a revocation that comes in the same moment", async () => {
    const racing = renew();
    await store.putMember({ ...peer, joinedAtMs: 7, frozenAtMs: 9 });
    await racing;
    expect(store.members()).toMatchObject([{ frozenAtMs: 9 }]);
  });

  test("hands nothing out that could not be stored", async () => {
    await store.close();
    expect(await renew()).toMatchObject({ ok: false, error: { kind: "unavailable" } });
  });
});
