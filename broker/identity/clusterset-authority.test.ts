import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import { must, ok, type Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { AuditEvent, AuditLog } from "../audit/audit-log.ts";
import { BrokerTable } from "../core/broker-table.ts";
import type { MemberRecord } from "../core/member-record.ts";
import type { JoinError, JoinOutcome } from "../server/join-handler.ts";
import { FolderRecords } from "../shared/folder-records.ts";
import { soleAuthority } from "./authority/authorities.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "./authority/certificate-authority.ts";
import { createCertificateRequest } from "./authority/certificate-request.ts";
import { generateKeyPem } from "./authority/key-pair.ts";
import { ClustersetAuthority } from "./clusterset-authority.ts";
import { MemberIssuer } from "./member-issuer.ts";
import type { WritableMemberRegistry } from "./member-registry.ts";
import { type CreateTokenOptions, createToken } from "./token/create-token.ts";
import { TokenBook } from "./token/token-book.ts";

/** The store's part in joining, kept in memory: the real table decides who is a member. */
class Registry implements WritableMemberRegistry {
  readonly table = new BrokerTable();
  failure: string | undefined;

  members(): readonly MemberRecord[] {
    return this.table.members();
  }

  putMember(member: MemberRecord): ReturnType<WritableMemberRegistry["putMember"]> {
    if (this.failure !== undefined) {
      return Promise.resolve({ ok: false, error: { kind: "store-failed", text: this.failure } });
    }
    this.table.apply({ kind: "member", member });
    return Promise.resolve(ok(undefined));
  }
}

const east = must(parseClusterId("east"));
let dir: string;
let clock: VirtualClock;
let certificates: CertificateAuthority;
let registry: Registry;
let authority: ClustersetAuthority;
let audited: AuditEvent[];
const audit: AuditLog = { record: (event) => void audited.push(event) };
let csr: Uint8Array;
let otherCsr: Uint8Array;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-join-"));
  clock = new VirtualClock();
  audited = [];
  const material = must(await createAuthorityMaterial("prod", clock));
  certificates = must(await CertificateAuthority.open(material, clock));
  registry = new Registry();
  authority = newAuthority();
  csr = must(await createCertificateRequest(await generateKeyPem()));
  otherCsr = must(await createCertificateRequest(await generateKeyPem()));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function book(maxTokens?: number): TokenBook {
  return new TokenBook(new FolderRecords(dir), maxTokens);
}

function newAuthority(): ClustersetAuthority {
  const authorities = soleAuthority(certificates);
  const common = { authorities, members: registry, clock, audit };
  const issuer = new MemberIssuer({}, common);
  return new ClustersetAuthority({ ...common, issuer, tokens: book() });
}

async function aToken(options: Partial<CreateTokenOptions> = {}, tokens = book()): Promise<string> {
  const deps = { tokens, members: registry, pins: [certificates.fingerprint], clock, audit };
  return must(await createToken({ clusterId: "east", ...options }, deps)).text;
}

function redeem(
  token: string,
  csrDer = csr,
  clusterId = "east",
): Promise<Result<JoinOutcome, JoinError>> {
  return authority.join({ clusterId, token, csrDer });
}

function textOf(result: Result<unknown, JoinError>): string {
  return result.ok ? "joined" : result.error.text;
}

describe("join", () => {
  test("a token lets its cluster in and the member is recorded", async () => {
    const outcome = must(await redeem(await aToken()));
    expect(outcome).toMatchObject({ clusterset: "prod", caPem: certificates.certPem });
    expect(registry.members()).toMatchObject([
      { cluster: "east", incarnation: outcome.incarnation, joinedAtMs: clock.nowMs() },
    ]);
  });

  test("tokens are kept hashed, for their owner's eyes only", async () => {
    const token = await aToken();
    await redeem(token);
    const [, , secret = ""] = token.split(".");
    const files = await readdir(dir, { recursive: true, withFileTypes: true });
    const paths = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name));
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      expect(await readFile(path, "utf8")).not.toContain(secret);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
  });

  test("a lost answer does not brick the join: the same key may ask again, also after a broker restart", async () => {
    const token = await aToken();
    const first = must(await redeem(token));
    authority = newAuthority();
    const again = must(await redeem(token));
    expect(again.incarnation).toBe(first.incarnation);
    expect(registry.members()).toHaveLength(1);
  });

  test("a crash between claiming the token and recording the member loses nothing", async () => {
    const token = await aToken();
    registry.failure = "disk full";
    expect(await redeem(token)).toMatchObject({
      ok: false,
      error: { kind: "unavailable", text: expect.stringContaining("disk full") },
    });
    registry.failure = undefined;
    authority = newAuthority();
    expect(textOf(await redeem(token, otherCsr))).toContain("must be unused");
    expect(textOf(await redeem(token))).toBe("joined");
  });

  test("two keys racing for one token: exactly one gets in", async () => {
    const token = await aToken();
    const results = await Promise.all([redeem(token, csr), redeem(token, otherCsr)]);
    expect(results.filter((result) => result.ok)).toHaveLength(1);
  });

  test("two brokers sharing a folder: a token is redeemed once", async () => {
    const token = await aToken();
    const other = newAuthority();
    const results = await Promise.all([
      redeem(token, csr),
      other.join({ clusterId: "east", token, csrDer: otherCsr }),
    ]);
    expect(results.filter((result) => result.ok)).toHaveLength(1);
  });

  test.each([
    {
      name: "an expired token",
      act: async () => {
        const token = await aToken({ ttlMs: 60_000 });
        await clock.advance(60_000);
        return redeem(token);
      },
      kind: "denied",
      want: "token must be unexpired: it expired at 2026-01-01T00:01:00.000Z",
    },
    {
      name: "a token used with another key",
      act: async () => {
        const token = await aToken();
        await redeem(token);
        return redeem(token, otherCsr);
      },
      kind: "denied",
      want: "must be unused: it was used at 2026-01-01T00:00:00.000Z with another key",
    },
    {
      name: "another cluster id",
      act: async () => redeem(await aToken(), csr, "west"),
      kind: "denied",
      want: 'token is for cluster id east: got "west"',
    },
    {
      name: "a forged secret",
      act: async () => {
        const [prefix, id, , authorityPart] = (await aToken()).split(".");
        return redeem([prefix, id, "x".repeat(43), authorityPart].join("."));
      },
      kind: "denied",
      want: "must be the one created with it",
    },
    {
      name: "an unknown id",
      act: async () => {
        const [prefix, , secret, authorityPart] = (await aToken()).split(".");
        return redeem([prefix, "AAAAAAAAAAAA", secret, authorityPart].join("."));
      },
      kind: "denied",
      want: "got unknown id AAAAAAAAAAAA",
    },
    {
      name: "a token of another clusterset",
      act: async () => {
        const [prefix, id, secret] = (await aToken()).split(".");
        return redeem([prefix, id, secret, "z".repeat(43)].join("."));
      },
      kind: "denied",
      want: "token must be for authority",
    },
    {
      name: "garbage",
      act: () => redeem("hello"),
      kind: "invalid",
      want: "cannot parse join token",
    },
    {
      name: "a request that is none",
      act: async () => redeem(await aToken(), new Uint8Array([1, 2, 3])),
      kind: "invalid",
      want: "must be PKCS #10",
    },
  ])("refuses $name and says why, without the secret", async ({ act, kind, want }) => {
    const result = await act();
    expect(result.ok ? "joined" : result.error.kind).toBe(kind);
    expect(textOf(result)).toContain(want);
    expect(textOf(result)).not.toContain("xxxx");
  });

  test("a bad request does not use the token up", async () => {
    const token = await aToken();
    await redeem(token, new Uint8Array([1]));
    await redeem(token, csr, "west");
    expect(textOf(await redeem(token))).toBe("joined");
  });

  test("a taken cluster id is refused when the token is created", async () => {
    await redeem(await aToken());
    await expect(aToken()).rejects.toThrow("cluster id already taken: east joined at");
  });

  test("replace lets a new life of the cluster in, above the old one (CLN-13)", async () => {
    const old = must(await redeem(await aToken()));
    const token = await aToken({ replace: true });
    const next = must(await redeem(token, otherCsr));
    expect(next.incarnation).toBeGreaterThan(old.incarnation);
    expect(registry.members()).toMatchObject([{ incarnation: next.incarnation }]);
  });

  test("the old life's token cannot take the cluster id back", async () => {
    const first = await aToken();
    await redeem(first);
    await redeem(await aToken({ replace: true }), otherCsr);
    expect(textOf(await redeem(first))).toContain("a later one was created");
  });

  test("a removed member cannot come back with the token it has used", async () => {
    const token = await aToken();
    const { incarnation } = must(await redeem(token));
    registry.table.apply({ kind: "gone", cluster: east, incarnation });
    expect(textOf(await redeem(token))).toContain("east has been removed since");
    const again = must(await redeem(await aToken(), otherCsr));
    expect(again.incarnation).toBeGreaterThan(incarnation);
  });

  test("incarnations grow even when the wall clock stands still", async () => {
    const seen: number[] = [];
    for (const id of ["a", "b", "c"]) {
      seen.push(must(await redeem(await aToken({ clusterId: id }), csr, id)).incarnation);
    }
    expect(seen).toEqual([clock.nowMs(), clock.nowMs() + 1, clock.nowMs() + 2]);
  });

  test("a damaged token file is an error that names the field", async () => {
    const token = await aToken();
    const [, id = ""] = token.split(".");
    await writeFile(join(dir, "tokens", `${id}.json`), '{"id":"x"}');
    expect(textOf(await redeem(token))).toContain("cannot parse token record");
  });
});

describe("create token", () => {
  test.each([
    { name: "a bad cluster id", options: { clusterId: "East" }, want: "cannot parse cluster id" },
    { name: "no life", options: { ttlMs: 0 }, want: "life must be 1000 to" },
    { name: "not a number", options: { ttlMs: Number.NaN }, want: "life must be" },
    { name: "a life too long", options: { ttlMs: 1e12 }, want: "life must be" },
  ])("refuses $name", async ({ options, want }) => {
    await expect(aToken(options)).rejects.toThrow(want);
  });

  test("keeps a bounded number open, and forgets expired ones", async () => {
    const tokens = book(3);
    for (const clusterId of ["a", "b", "c"]) await aToken({ clusterId }, tokens);
    await expect(aToken({}, tokens)).rejects.toThrow("at most 3 may be open at once: got 3");
    await clock.advance(2 * 24 * 3600_000);
    await aToken({}, tokens);
    const [left, ...more] = await readdir(join(dir, "tokens"));
    expect(more).toEqual([]);
    expect(must(await tokens.read(left?.replace(".json", "") ?? ""))?.clusterId).toBe("east");
    expect(await readdir(join(dir, "ids"))).toEqual(["east.json"]);
  });
});

describe("a cluster id cannot be taken over", () => {
  test("while a token for it is open: neither silently nor by luck", async () => {
    const first = await aToken();
    const [, id = ""] = first.split(".");
    await expect(aToken()).rejects.toThrow(
      `cluster id already claimed: token ${id} for east lives until 2026-01-01T00:15:00.000Z`,
    );
    expect(textOf(await redeem(first))).toBe("joined");
  });

  test("by two tokens made at once: one is made", async () => {
    const made = await Promise.allSettled([aToken(), aToken(), aToken()]);
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("while its claim is unexpired, though the member was not recorded", async () => {
    const token = await aToken();
    registry.failure = "disk full";
    await redeem(token);
    registry.failure = undefined;
    await expect(aToken()).rejects.toThrow("cluster id already claimed");
    // It is free again when the claim has expired.
    await clock.advance(15 * 60_000);
    expect(textOf(await redeem(await aToken(), otherCsr))).toBe("joined");
    expect(textOf(await redeem(token))).toContain("must be unexpired");
  });

  test("by an earlier token once a later one was made on purpose; the audit log says so", async () => {
    const first = await aToken();
    const second = await aToken({ replace: true });
    expect(textOf(await redeem(first))).toContain(
      "token must be the latest for east: a later one was created",
    );
    expect(textOf(await redeem(second, otherCsr))).toBe("joined");
    expect(audited.map((event) => [event.kind, "replace" in event && event.replace])).toEqual([
      ["token-created", false],
      ["token-created", true],
      ["joined", false],
    ]);
  });

  test("by a token that was withdrawn", async () => {
    const token = await aToken();
    must(await book().withdraw(east));
    expect(textOf(await redeem(token))).toContain("the latest for east: it was withdrawn");
  });

  test("by whoever came back before its token was redeemed", async () => {
    const token = await aToken();
    // A broker that lost its store meets the living owner again.
    const member = { cluster: east, incarnation: 5, joinedAtMs: 0, certificateSerial: "01" };
    registry.table.apply({ kind: "member", member });
    expect(textOf(await redeem(token))).toContain("cluster id already taken: east joined at");
  });

  test("but a revoked one may join again with an ordinary token, and its old token does not bring it back", async () => {
    const first = await aToken();
    const { incarnation } = must(await redeem(first));
    const [member] = registry.members();
    if (member === undefined) throw new Error("no member");
    registry.table.apply({ kind: "member", member: { ...member, frozenAtMs: clock.nowMs() } });
    expect(textOf(await redeem(first))).toContain("must not be revoked");
    await clock.advance(15 * 60_000);
    const again = must(await redeem(await aToken(), otherCsr));
    expect(again.incarnation).toBeGreaterThan(incarnation);
    expect(registry.members()).toMatchObject([{ incarnation: again.incarnation }]);
    expect(registry.members()[0]?.frozenAtMs).toBeUndefined();
  });
});
