import { beforeAll, describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { must } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../authority/certificate-authority.ts";
import { MEMBER_LIFE } from "../authority/certificate-life.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../authority/certificate-request.ts";
import { generateKeyPem } from "../authority/key-pair.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { MemberMaterial } from "./member-identity.ts";

/** For tests: what a join would have given cluster `id`. */
export async function memberMaterial(id: string, clock: VirtualClock): Promise<MemberMaterial> {
  const made = must(await createAuthorityMaterial("prod", clock));
  const authority = must(await CertificateAuthority.open(made, clock));
  const keyPem = await generateKeyPem();
  const request = must(await parseCertificateRequest(must(await createCertificateRequest(keyPem))));
  const clusterId: ClusterId = must(parseClusterId(id));
  const issued = await authority.issueMember(request, {
    clusterset: "prod",
    clusterId,
    incarnation: 3,
  });
  return { keyPem, certPem: issued.certPem, caPem: authority.certPem, brokerAddress: "hub:7600" };
}

/** What every IdentityStore does. `make` gives an empty one, the same for the same clock and name. */
export function describeIdentityStore(
  name: string,
  make: (clock: VirtualClock) => Promise<IdentityStore>,
): void {
  describe(`identity store: ${name}`, () => {
    const clock = new VirtualClock();
    let one: MemberMaterial;
    let two: MemberMaterial;
    beforeAll(async () => {
      one = await memberMaterial("east", clock);
      two = await memberMaterial("west", clock);
    });

    test("an empty one holds nothing", async () => {
      const store = await make(clock);
      expect(must(await store.load())).toBeUndefined();
      expect(must(await store.loadJoinKey())).toBeUndefined();
    });

    test("forgets what it is told to, and nothing is there to be forgotten twice", async () => {
      const store = await make(clock);
      must(await store.saveJoinKey("key"));
      must(await store.save(one));
      must(await store.remove());
      expect([must(await store.load()), must(await store.loadJoinKey())]).toEqual([
        undefined,
        undefined,
      ]);
      must(await store.remove());
    });

    test("gives back what was saved last, as the certificate says", async () => {
      const store = await make(clock);
      must(await store.save(two));
      must(await store.save(one));
      const want = { ...one, clusterId: "east", clusterset: "prod", incarnation: 3 };
      expect(must(await store.load())).toEqual(want);
    });

    test("takes a whole identity as well as its parts: what is renewed is one", async () => {
      const store = await make(clock);
      must(await store.save(one));
      const identity = must(await store.load());
      if (identity === undefined) throw new Error("nothing is stored");
      must(await store.save(identity));
      expect(must(await store.load())).toEqual(identity);
    });

    test("forgets the join key once the identity is saved", async () => {
      const store = await make(clock);
      must(await store.saveJoinKey(one.keyPem));
      expect(must(await store.loadJoinKey())).toBe(one.keyPem);
      expect(must(await store.load())).toBeUndefined();
      must(await store.save(one));
      expect(must(await store.loadJoinKey())).toBeUndefined();
    });

    test.each([
      {
        name: "another's key",
        change: () => ({ keyPem: two.keyPem }),
        want: "key and certificate must belong together",
      },
      {
        name: "another authority",
        change: () => ({ caPem: two.caPem }),
        want: "must be issued by the authority",
      },
      {
        name: "a certificate that is none",
        change: () => ({ certPem: "x" }),
        want: "certificate must be X.509 in PEM",
      },
      {
        name: "a key that is none",
        change: () => ({ keyPem: "x" }),
        want: "key must be a private key",
      },
      {
        name: "an authority as member",
        change: () => ({ certPem: one.caPem }),
        want: "must belong together",
      },
    ])("says what is wrong with $name, and shows no key", async ({ change, want }) => {
      const store = await make(clock);
      must(await store.save({ ...one, ...change() }));
      const loaded = await store.load();
      expect(loaded.ok ? "" : loaded.error).toContain(want);
      expect(loaded.ok ? "" : loaded.error).not.toContain("PRIVATE KEY");
    });

    test("an expired certificate is an error that says when and what to do", async () => {
      const later = new VirtualClock(clock.nowMs() + MEMBER_LIFE.defaultMs);
      const store = await make(later);
      must(await store.save(one));
      const loaded = await store.load();
      expect(loaded.ok ? "" : loaded.error).toContain(
        "it expired at 2026-01-02T00:00:00.000Z (join again",
      );
    });
  });
}
