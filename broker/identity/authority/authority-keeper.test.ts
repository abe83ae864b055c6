import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must, type Result } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { AuditEvent } from "../../audit/audit-log.ts";
import { FolderRecords } from "../../shared/folder-records.ts";
import { AuthorityKeeper } from "./authority-keeper.ts";

const HOUR = 3600_000;
const LIFE = 24 * HOUR;

let dir: string;
let clock: VirtualClock;
let audited: AuditEvent[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-authority-"));
  clock = new VirtualClock();
  audited = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function open(clusterset = "prod"): Promise<Result<AuthorityKeeper, string>> {
  const audit = { record: (event: AuditEvent) => void audited.push(event) };
  const deps = { records: new FolderRecords(dir), clock, log: silentLogger, audit };
  return AuthorityKeeper.open(clusterset, {}, deps);
}

const path = (): string => join(dir, "authority.json");
const trusts = (keeper: AuthorityKeeper): readonly string[] =>
  keeper.trusted.map(({ fingerprint }) => fingerprint);

describe("authority", () => {
  test("is created once, for its owner's eyes only, and opened again", async () => {
    const first = must(await open());
    expect(must(await open()).signing.fingerprint).toBe(first.signing.fingerprint);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(first.tokenPins).toEqual(trusts(first));
  });

  test("of several that start at once all get the same", async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => open()));
    expect(new Set(opened.map((one) => must(one).signing.fingerprint)).size).toBe(1);
  });

  test("of another clusterset is refused", async () => {
    must(await open("prod"));
    expect(await open("test")).toEqual({
      ok: false,
      error: "cannot open authority: must belong to clusterset test: got prod",
    });
  });

  test.each([
    { name: "cut", damage: (text: string) => text.slice(0, 100), want: "must be JSON" },
    {
      name: "without its key",
      damage: (text: string) => text.replace(/-----BEGIN PRIVATE KEY-----/, "x"),
      want: "current.keyPem must be as written",
    },
    {
      name: "of another format",
      damage: (text: string) => text.replace('"formatVersion": 1', '"formatVersion": 2'),
      want: "formatVersion must be as written",
    },
  ])("that is damaged ($name) is an error, shows no key, and is left as it is", async (damaged) => {
    must(await open());
    const text = damaged.damage(await readFile(path(), "utf8"));
    await writeFile(path(), text);
    const opened = await open();
    expect(opened.ok ? "" : opened.error).toContain(damaged.want);
    expect(opened.ok ? "" : opened.error).not.toContain("PRIVATE");
    expect(await readFile(path(), "utf8")).toBe(text);
  });
});

describe("rotation", () => {
  const needs = (): Parameters<AuthorityKeeper["rotate"]>[0] => ({
    certificateLifeMs: LIFE,
    lastCertificateMs: clock.nowMs(),
    lastTokenMs: clock.nowMs(),
  });
  /** Files are read on a thread: wait for that, not for time. */
  const advance = async (keeper: AuthorityKeeper, ms: number): Promise<void> => {
    await clock.advance(ms);
    must(await keeper.look());
  };

  test("hands over in phases, and forgets the old key in the end", async () => {
    const keeper = must(await open());
    const old = keeper.signing.fingerprint;
    const told: (readonly string[])[] = [];
    keeper.subscribe(() => told.push(trusts(keeper)));
    const { switchAtMs, retireAtMs } = must(await keeper.rotate(needs()));
    const [, next = ""] = trusts(keeper);
    expect(keeper.signing.fingerprint).toBe(old);
    expect(keeper.tokenPins).toEqual([old, next]);
    await advance(keeper, switchAtMs - clock.nowMs());
    expect([keeper.signing.fingerprint, trusts(keeper)]).toEqual([next, [next, old]]);
    expect(keeper.tokenPins).toEqual([next]);
    await advance(keeper, retireAtMs - clock.nowMs());
    expect([keeper.signing.fingerprint, trusts(keeper)]).toEqual([next, [next]]);
    expect(keeper.rotation).toBeUndefined();
    expect(told).toEqual([[old, next], [next, old], [next]]);
    expect(audited.map(({ kind }) => kind)).toEqual(["rotation-started", "authority-retired"]);
    const kept = JSON.parse(await readFile(path(), "utf8")) as { current: { certPem: string } };
    expect(new X509Certificate(kept.current.certPem).subject).toContain("O=prod");
    expect(Object.keys(kept)).toEqual(["formatVersion", "current"]);
    expect(must(await open()).signing.fingerprint).toBe(next);
  });

  test("is seen by other replicas, and by those that start in the middle", async () => {
    const [one, other] = [must(await open()), must(await open())];
    const { switchAtMs } = must(await one.rotate(needs()));
    await advance(other, 10_000);
    expect(trusts(other)).toEqual(trusts(one));
    await clock.advance(switchAtMs - clock.nowMs());
    expect(must(await open()).signing.fingerprint).toBe(other.signing.fingerprint);
    expect(other.signing.fingerprint).toBe(one.signing.fingerprint);
  });

  test("is one at a time, also when two replicas are asked at once", async () => {
    const [one, other] = [must(await open()), must(await open())];
    must(await one.rotate(needs()));
    const again = await other.rotate(needs());
    expect(again.ok ? "" : again.error).toContain(
      "one rotation at a time: the present one ends at",
    );
  });

  test("ends although every replica was down at its end", async () => {
    const keeper = must(await open());
    const { retireAtMs } = must(await keeper.rotate(needs()));
    const [, next] = trusts(keeper);
    await clock.advance(retireAtMs + HOUR - clock.nowMs());
    const late = must(await open());
    expect(trusts(late)).toEqual([next]);
    must(await late.look());
    must(await late.rotate(needs()));
  });

  test("goes on by itself while the process runs, and stops with it", async () => {
    const keeper = must(await open());
    const own = new AbortController();
    keeper.start(own.signal);
    must(await keeper.rotate(needs()));
    const switched = new Promise<void>((resolve) => keeper.subscribe(resolve));
    const before = keeper.signing.fingerprint;
    // The timer set before the rotation was known looks after 10 s; later ones reach for the switch.
    for (let at = 0; at < 27 && keeper.signing.fingerprint === before; at += 1) {
      await clock.advance(HOUR);
    }
    await switched;
    own.abort();
    expect(keeper.signing.fingerprint).not.toBe(before);
  });
});
