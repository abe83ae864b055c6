import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, ok } from "../../api/result.ts";
import { serviceKey } from "../../api/service-key.ts";
import { revokeAnswer } from "../../broker/admin/admin-api.ts";
import { askBroker } from "../../broker/admin/admin-client.ts";
import { createAdminHandlers } from "../../broker/admin/admin-handlers.ts";
import { AdminServer } from "../../broker/admin/admin-server.ts";
import { FileAuditLog } from "../../broker/audit/file-audit-log.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import { type BrokerIdentity, openBrokerIdentity } from "../../broker/identity/broker-identity.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { renewCertificate } from "../../broker/identity/member/renew-certificate.ts";
import { createToken } from "../../broker/identity/token/create-token.ts";
import { startBroker } from "../../broker/server/start-broker.ts";
import { FolderRecords } from "../../broker/shared/folder-records.ts";
import { openBrokerStore } from "../../broker/store/departures/open-broker-store.ts";
import type { Store } from "../../broker/store/store.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { percentiles } from "./workload.ts";

// Joins, renewals, moved streams and revocations over TLS, gRPC and a log on disk: `node bench/broker/identity.ts [members]`.
// Broker and members share one process, so each figure holds both sides' work.

const ROWS = 200;
const REVOKED = 20;

interface Member {
  identity: MemberIdentity;
  readonly link: MemberLink;
}

async function main(count: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
  const stop = new AbortController();
  const store = must(await openBrokerStore({ dataDir }, { clock, random, log, meter }));
  const audit = new FileAuditLog({ path: join(dataDir, "audit.jsonl") }, { clock, log });
  const records = new FolderRecords(dataDir);
  const deps = { records, store, clock, random, log, meter, audit };
  const identity = must(
    await openBrokerIdentity(
      { clusterset: "bench", hosts: [], renewalPauseMs: 0 },
      deps,
      stop.signal,
    ),
  );
  const broker = must(
    await startBroker(
      { clusterset: "bench", listen: { host: "127.0.0.1", port: 0 } },
      { ...deps, ...identity },
    ),
  );
  const { hub } = broker;
  const certificateLifeMs = 24 * 3600_000;
  const nowMs = (): number => clock.nowMs();
  const globals = { book: () => Promise.resolve(ok([])) };
  const asked = { store, hub, globals, certificateLifeMs, nowMs };
  const handlers = createAdminHandlers({ ...asked, ...identity });
  const socket = join(dataDir, "admin.sock");
  const admin = new AdminServer(socket, { handlers, log });
  must(await admin.start());
  const address = `127.0.0.1:${broker.listen.port}`;

  const members: Member[] = [];
  const joins = await timedEach(count, async (at) => {
    members.push(await start(await joined(`m-${at}`, address, { dataDir, store, identity })));
  });
  const renewals = await timedEach(count, async (at) => {
    const member = memberAt(members, at);
    member.identity = must(
      await renewCertificate(member.identity, address, clock.nowMs(), stop.signal),
    );
  });
  const moves = await timedEach(count, async (at) => {
    const { link } = memberAt(members, at);
    link.reopen(0);
    await until(() => isSynced(link), "opening");
  });
  const cuts = await timedEach(Math.min(REVOKED, count - 1), async (at) => {
    const { link, identity: who } = memberAt(members, at);
    const question = { cluster: who.clusterId, rows: "withdraw" };
    const over = new Promise<void>((resolve) => {
      link.subscribe(() => {
        if (link.status().kind === "rejected") resolve();
      });
    });
    must(await askBroker(socket, "revoke", { question, answer: revokeAnswer }, clock));
    await over;
  });
  const rows = [
    ["", "p50 ms", "p99 ms"],
    ["---", "---", "---"],
    [`join, token included (${count})`, ...cells(joins)],
    [`renewal (${count})`, ...cells(renewals)],
    [`stream moved and synced again, ${ROWS} own rows (${count})`, ...cells(moves)],
    [`revoked until its stream is cut (${cuts.length} of ${count})`, ...cells(cuts)],
  ];
  process.stdout.write(rows.map((row) => `| ${row.join(" | ")} |\n`).join(""));
  stop.abort();
  await admin.stop();
  await broker.stop();
  await audit.flush();
  await store.close();

  async function start(of: MemberIdentity): Promise<Member> {
    const held = { identity: of };
    const link = createGrpcBrokerLink({ identity: () => held.identity }, { clock, random, log });
    const member: Member = Object.assign(held, { link });
    for (let row = 0; row < ROWS; row += 1) {
      const name = `s-${row}`;
      link.setOwnRows(serviceKey(of.clusterId, name), [
        anExportRow({ namespace: of.clusterId, name }),
      ]);
    }
    link.markOwnComplete();
    link.setNamespaces(new Set(["none"]));
    link.start(stop.signal);
    await until(() => isSynced(link), "first sync");
    return member;
  }
}

async function joined(
  clusterId: string,
  address: string,
  {
    dataDir,
    store,
    identity,
  }: { readonly dataDir: string; readonly store: Store; readonly identity: BrokerIdentity },
): Promise<MemberIdentity> {
  const { tokens, authorities } = identity;
  const audit = { record: () => undefined };
  const deps = { tokens, members: store, pins: authorities.tokenPins, clock, audit };
  const { text: token } = must(await createToken({ clusterId }, deps));
  const memberStore = new FileIdentityStore(join(dataDir, "members", clusterId), { clock });
  return must(
    await joinClusterset({ clusterId, token, address }, { store: memberStore, clock, random }),
  );
}

function memberAt(members: readonly Member[], at: number): Member {
  const member = members[at];
  if (member === undefined) throw new Error(`no member ${at}`);
  return member;
}

function isSynced(link: MemberLink): boolean {
  const state = link.status();
  return state.kind === "connected" && state.synced;
}

async function timedEach(
  count: number,
  act: (at: number) => Promise<void>,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const startMs = clock.monotonicMs();
    await act(at);
    times.push(clock.monotonicMs() - startMs);
  }
  return times;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const startMs = clock.monotonicMs();
  // At least one turn: what was asked for has begun then.
  do {
    await new Promise<void>((resolve) => void clock.setTimer(1, resolve));
    if (clock.monotonicMs() - startMs > 60_000) throw new Error(`waited for ${what} in vain`);
  } while (!condition());
}

function cells(times: readonly number[]): readonly string[] {
  const { p50Ms, p99Ms } = percentiles(times);
  return [String(p50Ms), String(p99Ms)];
}

await main(Number(process.argv[2] ?? "100"));
process.exit(0);
