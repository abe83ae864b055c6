import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { must } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { parsePeerIdentity } from "../peer-identity.ts";
import {
  BROKER_SERVER_NAME,
  CertificateAuthority,
  createAuthorityMaterial,
} from "./certificate-authority.ts";
import { MEMBER_LIFE } from "./certificate-life.ts";
import { createCertificateRequest, parseCertificateRequest } from "./certificate-request.ts";
import { generateKeyPem } from "./key-pair.ts";

const clock = new VirtualClock();
const east: ClusterId = must(parseClusterId("east"));
let authority: CertificateAuthority;

beforeAll(async () => {
  authority = must(
    await CertificateAuthority.open(must(await createAuthorityMaterial("prod", clock)), clock),
  );
});

async function aRequest(): Promise<Uint8Array> {
  return must(await createCertificateRequest(await generateKeyPem()));
}

describe("certificate authority", () => {
  test("a member's certificate says who it is, for a day, for clients only", async () => {
    const request = must(await parseCertificateRequest(await aRequest()));
    const issued = await authority.issueMember(request, {
      clusterset: "prod",
      clusterId: east,
      incarnation: 42,
    });
    const certificate = new X509Certificate(issued.certPem);
    expect(parsePeerIdentity(certificate.raw)).toEqual({
      ok: true,
      value: { clusterset: "prod", clusterId: "east", incarnation: 42 },
    });
    expect(certificate.verify(new X509Certificate(authority.certPem).publicKey)).toBe(true);
    expect(certificate.validToDate.getTime()).toBe(clock.nowMs() + MEMBER_LIFE.defaultMs);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).toBe(false);
    expect(certificate.serialNumber.toLowerCase()).toBe(issued.serial);
  });

  test("the broker's certificate cannot pass for a member's", async () => {
    const request = must(await parseCertificateRequest(await aRequest()));
    const issued = await authority.issueBroker(
      request.publicKey,
      ["hub.example", "192.0.2.7", "2001:db8::7"],
      1000,
    );
    const certificate = new X509Certificate(issued.certPem);
    for (const host of [BROKER_SERVER_NAME, "hub.example"]) {
      expect(certificate.checkHost(host)).toBe(host);
    }
    expect(certificate.checkIP("192.0.2.7")).toBe("192.0.2.7");
    expect(certificate.checkIP("2001:db8::7")).toBe("2001:db8::7");
    expect(parsePeerIdentity(certificate.raw)).toMatchObject({ ok: false });
    expect(parsePeerIdentity(new X509Certificate(authority.certPem).raw)).toMatchObject({
      ok: false,
    });
  });

  test("a certificate never outlives its authority", async () => {
    const late = new VirtualClock(clock.nowMs() + 10 * 365 * 24 * 3600_000 - 60_000);
    const material = must(await createAuthorityMaterial("prod", clock));
    const old = must(await CertificateAuthority.open(material, late));
    const request = must(await parseCertificateRequest(await aRequest()));
    const issued = await old.issueMember(request, {
      clusterset: "prod",
      clusterId: east,
      incarnation: 1,
    });
    expect(issued.notAfterMs).toBe(late.nowMs() + 60_000);
    await late.advance(60_000);
    expect(await CertificateAuthority.open(material, late)).toMatchObject({
      ok: false,
      error: expect.stringContaining("expired at"),
    });
  });

  test.each(["", "Prod", "a.b", "a".repeat(64)])("refuses the clusterset name %j", async (name) => {
    expect((await createAuthorityMaterial(name, clock)).ok).toBe(false);
  });

  test("refuses a key and a certificate of two authorities", async () => {
    const a = must(await createAuthorityMaterial("prod", clock));
    const b = must(await createAuthorityMaterial("prod", clock));
    expect(
      await CertificateAuthority.open({ keyPem: a.keyPem, certPem: b.certPem }, clock),
    ).toEqual({
      ok: false,
      error: "cannot use authority: certificate and key must belong together: they do not",
    });
  });
});

describe("certificate request", () => {
  test("refuses a request whose key was swapped: possession is not proved", async () => {
    const [a, b] = [await aRequest(), await aRequest()];
    const swapped = new Uint8Array(a);
    // The public key is the only 65-byte point in both; take b's into a.
    const at = findPoint(a);
    swapped.set(b.subarray(findPoint(b), findPoint(b) + 65), at);
    expect(await parseCertificateRequest(swapped)).toEqual({
      ok: false,
      error: "cannot accept certificate request: must be signed by its own key: it is not",
    });
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["garbage", new Uint8Array([1, 2, 3])],
    ["too much", new Uint8Array(5000)],
  ])("refuses %s", async (_name, der) => {
    expect((await parseCertificateRequest(der)).ok).toBe(false);
  });

  test("refuses to make a request for a key of another kind", async () => {
    const rsa = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    expect(await createCertificateRequest(rsa.toString())).toEqual({
      ok: false,
      error: "cannot read private key: must be ECDSA on P-256: got ed25519",
    });
  });
});

/** Offset of the uncompressed point in a P-256 SubjectPublicKeyInfo: after BIT STRING (03 42 00). */
function findPoint(der: Uint8Array): number {
  return Buffer.from(der).indexOf(Buffer.from([0x03, 0x42, 0x00, 0x04])) + 3;
}
