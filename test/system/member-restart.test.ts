import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BrokerMessage, MemberMessage } from "../../api/broker/broker.gen.ts";
import { type ExportRow, type Row, rowKey } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { GrpcSyncTransport } from "../../broker/client/grpc/grpc-sync-transport.ts";
import { MemberLink } from "../../broker/client/member-link.ts";
import { SavedFile } from "../../broker/client/saved/saved-file.ts";
import { StateKeeper } from "../../broker/client/saved/state-keeper.ts";
import type { SyncTransport } from "../../broker/client/sync-transport.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { BrokerWorld, type Credentials } from "./broker-world.ts";
import type { Found } from "./saved-state-writer.ts";
import { until } from "./until.ts";

const ROWS = 1000;
const SHOP = new Set(["shop"]);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-restart-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Adds up what travels, as it is encoded. */
class CountingTransport implements SyncTransport {
  readonly #inner: SyncTransport;
  bytes = 0;

  constructor(inner: SyncTransport) {
    this.#inner = inner;
  }

  open(handlers: Parameters<SyncTransport["open"]>[0]): ReturnType<SyncTransport["open"]> {
    const stream = this.#inner.open({
      ...handlers,
      onMessage: (message) => {
        this.bytes += BrokerMessage.encode(message).finish().length;
        handlers.onMessage(message);
      },
    });
    return {
      send: (message) => {
        this.bytes += MemberMessage.encode(message).finish().length;
        return stream.send(message);
      },
      close: () => stream.close(),
    };
  }

  close(): void {
    this.#inner.close();
  }
}

/** One process of a member: its link, with what an earlier one left. */
class MemberLife {
  readonly link: MemberLink;
  readonly transport: CountingTransport;
  readonly #keeper: StateKeeper;
  readonly #stop = new AbortController();
  /** A service had rows, and then fewer. */
  readonly shrunk: string[] = [];

  private constructor(link: MemberLink, transport: CountingTransport, keeper: StateKeeper) {
    this.link = link;
    this.transport = transport;
    this.#keeper = keeper;
  }

  /** @param own rows of one's own, of services s0, s1... */
  static async begin(
    who: Credentials,
    broker: RunningBroker,
    path: string,
    own: readonly ExportRow[] = [],
  ): Promise<MemberLife> {
    const by = { clusterset: "test-set", clusterId: who.cluster, incarnation: 1 };
    const keeper = new StateKeeper({ file: new SavedFile(path, by), clock, log });
    const saved = await keeper.load();
    const addresses = [`127.0.0.1:${broker.listen.port}`] as const;
    const inner = new GrpcSyncTransport({ identity: () => who, addresses });
    const transport = new CountingTransport(inner);
    const link = new MemberLink(
      { clusterId: who.cluster, saved },
      { transport, clock, random, log },
    );
    keeper.follow(link);
    const life = new MemberLife(link, transport, keeper);
    for (const row of own) link.setOwnRows(serviceKey(row.namespace, row.name), [row]);
    link.markOwnComplete();
    link.setNamespaces(SHOP);
    link.start(life.#stop.signal);
    await until(() => link.hasSynced() && own.every((row) => link.isStored(rowKey(row))));
    return life;
  }

  get rows(): readonly Row[] {
    return [...this.link.foreignServices()].flatMap((service) => this.link.foreignRows(service));
  }

  /** As SIGTERM does. */
  async end(): Promise<number> {
    this.#stop.abort();
    await this.#keeper.stop();
    return this.transport.bytes;
  }
}

function rowOf(who: Credentials, at: number, createdAtMs = 1): ExportRow {
  return anExportRow({ cluster: who.cluster, name: `s${at}`, createdAtMs });
}

describe("a member's process that is restarted", () => {
  let world: BrokerWorld;
  let broker: RunningBroker;
  let owner: Credentials;
  let reader: Credentials;
  let owning: MemberLife;
  let readerPath: string;
  beforeEach(async () => {
    world = await BrokerWorld.create();
    broker = await world.startBroker(new MemoryStore("e1"));
    owner = await world.certify("a", 1);
    reader = await world.certify("b", 1);
    readerPath = join(folder, "b", "state.bin");
    const rows = Array.from({ length: ROWS }, (_, at) => rowOf(owner, at));
    owning = await MemberLife.begin(owner, broker, join(folder, "a", "state.bin"), rows);
  });
  afterEach(async () => {
    await owning.end();
    await world[Symbol.asyncDispose]();
  });

  /** So many of the owner's rows change, and one goes. */
  async function change(count: number, revision: number): Promise<void> {
    const changed = Array.from({ length: count }, (_, at) => rowOf(owner, at, revision));
    for (const row of changed) owning.link.setOwnRows(serviceKey("shop", row.name), [row]);
    owning.link.setOwnRows(serviceKey("shop", `s${ROWS - revision}`), []);
    await until(() => changed.every((row) => owning.link.isStored(rowKey(row))));
  }

  test("is sent what changed and no more: bytes in proportion to it", async () => {
    const first = await MemberLife.begin(reader, broker, readerPath);
    expect(first.rows).toHaveLength(ROWS);
    const cold = await first.end();
    const bytes: number[] = [];
    for (const [at, count] of [1, 10, 100].entries()) {
      await change(count, at + 2);
      const again = await MemberLife.begin(reader, broker, readerPath);
      expect(again.rows).toHaveLength(ROWS - 1 - at);
      const fresh = again.rows.filter((row) => row.kind === "export" && row.createdAtMs === at + 2);
      expect(fresh).toHaveLength(count);
      bytes.push(await again.end());
    }
    const unchanged = await MemberLife.begin(reader, broker, readerPath);
    const idle = await unchanged.end();
    process.stdout.write(
      `${ROWS} rows: cold ${cold} bytes, restarted ${idle}; after 1, 10, 100 changes ${bytes.join(", ")}\n`,
    );
    const [one = 0, ten = 0, hundred = 0] = bytes;
    expect(idle).toBeLessThan(1000);
    expect([one < 1000, ten < 2000, hundred < cold / 2]).toEqual([true, true, true]);
  });

  test("and owns rows is not told of them either", async () => {
    const cold = await owning.end();
    const rows = Array.from({ length: ROWS }, (_, at) => rowOf(owner, at));
    owning = await MemberLife.begin(owner, broker, join(folder, "a", "state.bin"), rows);
    expect(owning.transport.bytes).toBeLessThan(Math.min(1000, cold / 20));
  });

  test("with a damaged file is sent everything; after the broker lost its store too", async () => {
    await (await MemberLife.begin(reader, broker, readerPath)).end();
    const whole = await readFile(readerPath);
    await writeFile(readerPath, whole.subarray(0, whole.length / 2));
    const cold = await MemberLife.begin(reader, broker, readerPath);
    expect(cold.rows).toHaveLength(ROWS);
    await cold.end();
    const { port } = broker.listen;
    await broker.stop();
    broker = await world.startBroker(new MemoryStore("e2"), { port });
    const after = await MemberLife.begin(reader, broker, readerPath);
    // Unknown is not none: before the owner has come back nothing is known of it, and nothing of its former rows is shown.
    await until(() => after.link.isKnown(owner.cluster));
    expect(after.rows).toHaveLength(ROWS);
    await after.end();
  });
});

test("a process killed in the middle of saving leaves a whole state, the last one it had saved or a later one", async () => {
  const path = join(folder, "state.bin");
  const program = join(import.meta.dirname, "saved-state-writer.ts");
  for (const afterSaves of [1, 2, 3]) {
    const child = fork(program, [path], { execArgv: [] });
    let saved = 0;
    const killed = once(child, "exit");
    await new Promise<void>((resolve) => {
      child.on("message", (revision: number) => {
        saved = revision;
        if (revision === afterSaves) resolve();
      });
    });
    // Somewhere within the next.
    await new Promise<void>((resolve) => void clock.setTimer(random.next() * 30, resolve));
    child.kill("SIGKILL");
    await killed;
    const [found] = (await once(fork(program, [path, "read"], { execArgv: [] }), "message")) as [
      Found,
    ];
    expect(found.isWhole).toBe(true);
    expect(found.revision).toBeGreaterThanOrEqual(saved);
    expect(await readdir(dirname(path))).toEqual(["state.bin"]);
  }
});
