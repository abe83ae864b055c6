import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import { serviceKey } from "../../api/service-key.ts";
import { rotationAnswer } from "../../broker/admin/admin-api.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import type { JudgedMember } from "../../cli/members/judge-members.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";
import { until } from "./until.ts";

let dir: string;
let dataDir: string;
let address: string;
const stop = new AbortController();
let running: Promise<Outcome>;

const isthmus = (...argv: readonly string[]): Promise<Outcome> => runIsthmus(argv, stop.signal);

/** Asked of the broker of this test. */
function ask(...argv: readonly string[]): Promise<Outcome> {
  return isthmus(...argv, "--data-dir", dataDir);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-commands-"));
  dataDir = join(dir, "hub");
  const [port, healthPort] = await freePorts(2, random);
  address = `127.0.0.1:${port}`;
  running = isthmus(
    ...["broker", "--data-dir", dataDir, "--listen", address, "--log-level", "error"],
    ...["--health-listen", `127.0.0.1:${healthPort}`, "--clusterset", "prod"],
  );
  await until(async () => (await ask("members")).code === 0);
});
afterAll(async () => {
  stop.abort();
  expect(await running).toMatchObject({ code: 0, problems: [] });
  await rm(dir, { recursive: true, force: true });
});

async function joined(id: string): Promise<MemberLink> {
  const created = await ask("token", "create", "--cluster", id, "--broker", address);
  const identityDir = join(dir, id);
  const [token = ""] = created.lines;
  const joining = ["join", token, "--cluster-id", id, "--identity-dir", identityDir];
  expect((await isthmus(...joining)).problems).toEqual([]);
  const identity = must(await new FileIdentityStore(identityDir, { clock }).load());
  if (identity === undefined) throw new Error("no identity");
  const link = createGrpcBrokerLink({ identity: () => identity }, { clock, random, log });
  link.setNamespaces(new Set(["shop"]));
  link.setOwnRows(serviceKey("shop", id), [anExportRow({ name: id })]);
  link.markOwnComplete();
  link.start(stop.signal);
  await until(() => link.hasSynced());
  return link;
}

async function membersOf(): Promise<Record<string, { state: string; exports: number }>> {
  const asked = await ask("members", "-o", "json");
  const { members } = JSON.parse(asked.lines.join("\n")) as {
    readonly members: readonly JudgedMember[];
  };
  return Object.fromEntries(
    members.map(({ cluster, state, rows }) => [cluster, { state, exports: rows.exports }]),
  );
}

describe("an admin at a running broker", () => {
  test("sees the members, revokes one with its rows frozen and then withdrawn, and finds it all in the audit log", async () => {
    const [east, west] = [await joined("east"), await joined("west")];
    const seenByWest = (): readonly string[] => [...west.foreignServices()];
    await until(() => seenByWest().length === 1);
    await until(async () => (await membersOf())["east"]?.exports === 1);
    const table = await ask("members");
    expect(table.lines.join("\n")).toMatch(
      /^clusterset prod: 2 members\nCLUSTER.*\neast +connected +alive /,
    );

    expect((await ask("revoke", "east", "--rows", "freeze")).lines[0]).toMatch(
      /^east is revoked \(incarnation \d+\): rows are kept as they are$/,
    );
    await until(() => east.status().kind === "rejected");
    expect((await membersOf())["east"]).toEqual({ state: "revoked", exports: 1 });
    expect(seenByWest()).toHaveLength(1);

    expect((await ask("revoke", "east")).code).toBe(0);
    await until(() => seenByWest().length === 0);
    expect(Object.keys(await membersOf())).toEqual(["west"]);
    expect(await ask("revoke", "east")).toMatchObject({
      code: 1,
      problems: ["cannot revoke: must be a member: east left or was revoked before"],
    });

    // The file is written behind the answers.
    let lines: readonly string[] = [];
    let kinds: readonly string[] = [];
    await until(async () => {
      ({ lines } = await ask("audit", "--cluster", "east"));
      kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
      return kinds.filter((kind) => kind === "revoked").length === 2;
    });
    expect(kinds.slice(0, 2)).toEqual(["token-created", "joined"]);
    expect(kinds).toContain("refused");
    expect(lines.join()).not.toMatch(/PRIVATE|secret/i);
  });

  test("rotates the authority, once at a time, and sees how far that has come", async () => {
    expect((await ask("authority")).lines.join()).toContain("no rotation is under way");
    const rotated = await ask("authority", "rotate", "-o", "json");
    const { rotation, trusted } = rotationAnswer.parse(JSON.parse(rotated.lines.join("\n")));
    expect(trusted).toHaveLength(2);
    const spreadMs = Date.parse(rotation?.switchAt ?? "") - Date.parse(rotation?.startedAt ?? "");
    expect(spreadMs).toBeGreaterThanOrEqual(26.4 * 3600_000);
    const again = await ask("authority", "rotate");
    expect([again.code, again.problems[0]]).toEqual([
      1,
      expect.stringContaining("one rotation at a time"),
    ]);
    // Whoever joins now trusts both.
    await joined("north");
  });
});

test("where no broker runs, that is said", async () => {
  const asked = await isthmus("members", "--data-dir", join(dir, "nobody"));
  expect([asked.code, asked.problems[0]]).toEqual([
    1,
    expect.stringContaining("no broker is running behind"),
  ]);
});

test("a kind of audit event that there is not is refused, and those that there are named", async () => {
  const { code, problems } = await ask("audit", "--kind", "nonsense");
  expect([code, problems.join(" ")]).toEqual([
    2,
    expect.stringMatching(/kind.*revoked.*nonsense/s),
  ]);
});
