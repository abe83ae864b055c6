import { must } from "../../api/result.ts";
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { status } from "@grpc/grpc-js";
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RenewResponse } from "../../api/broker/broker.gen.ts";
import { createCertificateRequest } from "../../broker/identity/authority/certificate-request.ts";
import {
  generateKeyPem,
  importKeyPair,
  SIGNING_ALGORITHM,
} from "../../broker/identity/authority/key-pair.ts";
import { parsePeerIdentity } from "../../broker/identity/peer-identity.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { BrokerWorld, type Credentials, type TestStream } from "./broker-world.ts";

let world: BrokerWorld;
let store: MemoryStore;
let broker: RunningBroker;
beforeEach(async () => {
  world = await BrokerWorld.create();
  store = new MemoryStore("e1");
  broker = await world.startBroker(store);
});
afterEach(() => world[Symbol.asyncDispose]());

/** A member that may write: greeted, complete, subscribed to `shop`. */
async function member(clusterId: string, incarnation: number): Promise<TestStream> {
  const stream = world.open(broker, await world.certify(clusterId, incarnation));
  stream.hello({ namespaces: ["shop"] });
  await stream.hear("ownRowsEnd");
  stream.complete();
  await stream.hear("synced");
  return stream;
}

/** Asks for a new certificate, with this request or one for a fresh key. */
async function renew(
  who?: Credentials,
  certificateRequest?: Uint8Array,
  client = world.client(broker, who),
): Promise<RenewResponse> {
  const fresh = must(await createCertificateRequest(await generateKeyPem()));
  return new Promise((resolve, reject) => {
    client.renew({ certificateRequest: certificateRequest ?? fresh }, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}

function refusedWith(code: status, details: RegExp): ReturnType<typeof expect.objectContaining> {
  return expect.objectContaining({ code, details: expect.stringMatching(details) });
}

describe("who is revoked", () => {
  async function revoke(cluster: string, isFrozen: boolean): Promise<void> {
    const [member] = store.members().filter((one) => one.cluster === cluster);
    if (member === undefined) throw new Error(`no member ${cluster}`);
    must(
      isFrozen
        ? await store.putMember({ ...member, frozenAtMs: systemClock.nowMs() })
        : await store.removeMember(member.cluster),
    );
  }

  test.each([
    {
      name: "its rows withdrawn",
      isFrozen: false,
      rows: 0,
      text: /^cluster must be a member: a left/,
    },
    {
      name: "its rows frozen",
      isFrozen: true,
      rows: 1,
      text: /^cluster must not be revoked: a was/,
    },
  ])("is cut at every replica and stays out, $name", async ({ isFrozen, rows, text }) => {
    const other = await world.startBroker(store);
    const who = await world.certify("a", 1);
    const reader = await member("b", 2);
    const stream = world.open(other, who);
    stream.hello();
    await stream.hear("ownRowsEnd");
    stream.complete();
    stream.put(1, anExportRow());
    await reader.hear("rowPut");
    await revoke("a", isFrozen);
    // No replica was told: the store tells them all.
    expect(await stream.failure()).toEqual(refusedWith(status.PERMISSION_DENIED, text));
    for (const replica of [broker, other]) {
      const again = world.open(replica, who);
      again.hello();
      expect(await again.failure()).toEqual(refusedWith(status.PERMISSION_DENIED, text));
    }
    await expect(renew(who)).rejects.toEqual(
      refusedWith(status.PERMISSION_DENIED, new RegExp(`^cannot renew: ${text.source.slice(1)}`)),
    );
    if (!isFrozen) await reader.hear("ownerGone", ({ clusterId }) => clusterId === "a");
    expect(store.table.owner(testCluster("a"))?.size ?? 0).toBe(rows);
    expect(reader.count("ownerGone")).toBe(isFrozen ? 0 : 1);
    expect(world.audited.filter(({ kind }) => kind === "refused")).toHaveLength(4);
  });

  test("cannot write over a stream or a connection that it still has", async () => {
    const stream = await member("a", 1);
    await revoke("a", true);
    stream.put(1, anExportRow());
    await stream.failure();
    expect(store.table.owner(testCluster("a"))?.size).toBe(0);
  });
});

describe("a renewal", () => {
  test("gives the one who asks its own name, whatever name its request holds", async () => {
    await member("b", 2);
    const keys = must(await importKeyPair(await generateKeyPem()));
    const forged = await Pkcs10CertificateRequestGenerator.create({
      name: "CN=b",
      keys,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new SubjectAlternativeNameExtension([{ type: "url", value: "isthmus://test-set/b/2" }]),
        new BasicConstraintsExtension(true, 0, true),
      ],
    });
    const who = await world.certify("a", 1);
    const { certificateChain } = await renew(who, new Uint8Array(forged.rawData));
    const certificate = new X509Certificate(certificateChain);
    expect(must(parsePeerIdentity(certificate.raw))).toMatchObject({
      clusterId: "a",
      incarnation: 1,
    });
    expect([certificate.subject, certificate.ca]).toEqual(["CN=a", false]);
  });

  test("for another's key is refused: its request is not signed with it", async () => {
    const victim = must(await createCertificateRequest((await world.certify("b", 2)).keyPem));
    const own = must(await createCertificateRequest(await generateKeyPem()));
    const stolen = new Uint8Array(own);
    stolen.set(victim.subarray(pointOf(victim), pointOf(victim) + 65), pointOf(own));
    await expect(renew(await world.certify("a", 1), stolen)).rejects.toEqual(
      refusedWith(status.INVALID_ARGUMENT, /must be signed by its own key/),
    );
  });

  test("for the key that it has is refused", async () => {
    const who = await world.certify("a", 1);
    const same = must(await createCertificateRequest(who.keyPem));
    await expect(renew(who, same)).rejects.toEqual(
      refusedWith(status.INVALID_ARGUMENT, /key must be a new one/),
    );
  });

  test.each([
    { name: "nobody", who: async () => undefined },
    {
      name: "whose certificate has expired",
      who: async () => world.certify("a", 1, await world.authorityBefore(3600_000), 1800_000),
    },
    {
      name: "who holds a certificate of another authority",
      who: async () => {
        await using foreign = await BrokerWorld.create();
        return world.certify("a", 1, foreign.authority);
      },
    },
    {
      name: "the broker itself, with its serving certificate",
      who: async () => world.servingCredentials(),
    },
  ])("for $name is refused, and nobody becomes a member", async ({ who }) => {
    await expect(renew(await who())).rejects.toEqual(
      refusedWith(status.UNAUTHENTICATED, /certificate/),
    );
    expect(store.members()).toEqual([]);
  });

  test("asked for in a flood is given once", async () => {
    const who = await world.certify("a", 1);
    const client = world.client(broker, who);
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, () => renew(who, undefined, client)),
    );
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    const b = await member("b", 2);
    b.ping();
    await b.hear("pong");
  });

  test("leaves the old certificate good until it expires, and the old key of no more use than that", async () => {
    const who = await world.certify("a", 1);
    const { certificateChain } = await renew(who);
    expect(
      new X509Certificate(certificateChain).publicKey.export({ type: "spki", format: "pem" }),
    ).not.toBe(new X509Certificate(who.certPem).publicKey.export({ type: "spki", format: "pem" }));
    const stream = world.open(broker, who);
    stream.hello();
    await stream.hear("welcome");
  });
});

/** Offset of the uncompressed point in a P-256 SubjectPublicKeyInfo: after BIT STRING (03 42 00). */
function pointOf(der: Uint8Array): number {
  return Buffer.from(der).indexOf(Buffer.from([0x03, 0x42, 0x00, 0x04])) + 3;
}
