import { createHash } from "node:crypto";
import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  BrokerClient,
  type BrokerMessage,
  type MemberMessage,
} from "../../../api/broker/broker.gen.ts";
import { type RowKey, rowKey } from "../../../api/broker/row.ts";
import { BROKER_SERVER_NAME } from "../../../broker/identity/authority/certificate-authority.ts";
import type { MemberIdentity } from "../../../broker/identity/member/member-identity.ts";
import { encodeRow, encodeRowBytes } from "../../../broker/wire/encode-row.ts";
import { anExportRow } from "../../../broker/wire/test-rows.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import type { Random } from "../../../runtime/random/random.ts";

/** What one write left a key as: the digest of the row, or undefined for deleted. */
interface Write {
  readonly sequence: number;
  readonly digest: string | undefined;
  /** Told apart by others in `createdAtMs`. */
  readonly version: number;
}

/** A row of ours as the broker says that it holds it. */
interface Held {
  readonly sequence: number;
  readonly digest: string;
}

interface Options {
  readonly identity: MemberIdentity;
  /** Ports of all replicas; any may be dialled at any time. */
  readonly ports: readonly number[];
  readonly random: Random;
}

const NEVER: Write = { sequence: 0, digest: undefined, version: 0 };
const KEYS = 24;
/** Writes that may be without an answer. */
const WINDOW = 16;
const NAMESPACE = "shop";
/** Without a message: the stream is given up. */
const SILENT_MS = 6000;

/**
 * A member that writes as fast as it is answered, over one replica after another, and holds the broker to its word: what
 * was acknowledged must be there whenever a new stream says what the broker holds.
 */
export class CrashMember {
  readonly #options: Options;
  /** The last acknowledged write of each key. */
  readonly #acknowledged = new Map<RowKey, Write>();
  /** Writes of each key without an answer, of any stream so far: any of them may have been stored. */
  readonly #unanswered = new Map<RowKey, Write[]>();
  readonly problems: string[] = [];
  #sequence = 0;
  #version = 0;
  #isQuiet = false;
  #isStopped = false;
  #call: ClientDuplexStream<MemberMessage, BrokerMessage> | undefined;
  #done: Promise<void> | undefined;
  /** Rows of others as this member knows them: owner, key, version. */
  readonly mirror = new Map<string, Map<string, number>>();
  acknowledgedCount = 0;
  streams = 0;
  /** All that was written has been answered, and nothing more is written. */
  isSettled = false;

  constructor(options: Options) {
    this.#options = options;
  }

  get cluster(): string {
    return this.#options.identity.clusterId;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Writes no more; what is without an answer is written again until it has one. */
  quiesce(): void {
    this.#isQuiet = true;
    this.#write();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#call?.cancel();
    await this.#done;
  }

  /** What all others must show of this member once it is settled. */
  rows(): ReadonlyMap<string, number> {
    const rows = new Map<string, number>();
    for (const [key, { digest, version }] of this.#acknowledged) {
      if (digest !== undefined) rows.set(key, version);
    }
    return rows;
  }

  async #run(): Promise<void> {
    const { signal } = new AbortController();
    while (!this.#isStopped) {
      await this.#stream();
      this.isSettled = false;
      if (!this.#isStopped)
        await sleep(systemClock, 50 + 150 * this.#options.random.next(), signal);
    }
  }

  /** One stream, until it ends however it does. */
  #stream(): Promise<void> {
    const { ports, random, identity } = this.#options;
    const port = ports[Math.floor(random.next() * ports.length)] ?? 0;
    const { caPem, keyPem, certPem } = identity;
    const channel = credentials.createSsl(
      Buffer.from(caPem),
      Buffer.from(keyPem),
      Buffer.from(certPem),
    );
    const client = new BrokerClient(`127.0.0.1:${port}`, channel, {
      "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
      "grpc.use_local_subchannel_pool": 1,
    });
    this.streams += 1;
    return new Promise((resolve) => {
      const call = client.sync();
      this.#call = call;
      let silence = systemClock.setTimer(SILENT_MS, () => call.cancel());
      let ping = systemClock.setTimer(0, () => undefined);
      const keepAlive = (): void => {
        call.write({ message: { $case: "ping", value: { nonce: 1 } } });
        ping = systemClock.setTimer(1000, keepAlive);
      };
      const finish = (): void => {
        silence.cancel();
        ping.cancel();
        if (this.#call === call) this.#call = undefined;
        client.close();
        resolve();
      };
      call.on("error", finish);
      call.on("end", finish);
      const own = new Map<string, Held>();
      call.on("data", ({ message }: BrokerMessage) => {
        silence.cancel();
        silence = systemClock.setTimer(SILENT_MS, () => call.cancel());
        if (this.#call !== call || message === undefined) return;
        if (message.$case === "welcome") this.#sequence = message.value.sequence;
        else if (message.$case === "ownRow") {
          const { key, sequence, digest } = message.value;
          own.set(key, { sequence, digest: Buffer.from(digest).toString("hex") });
        } else if (message.$case === "ownRowsEnd") {
          this.#check(own);
          keepAlive();
          this.#begin();
        } else this.#hear(message);
      });
      const nothing = {
        storeEpoch: "",
        known: [],
        cidrs: [],
        capabilities: [],
        ownDigest: new Uint8Array(),
      };
      const hello = { ...nothing, protocolVersions: [1], namespaces: [NAMESPACE] };
      call.write({ message: { $case: "hello", value: hello } });
    });
  }

  /** What the broker holds must be the last acknowledged write of each key, or a later one that was sent. */
  #check(own: ReadonlyMap<string, Held>): void {
    const keys = new Set<RowKey>([...this.#acknowledged.keys(), ...this.#unanswered.keys()]);
    for (const key of keys) {
      const held = own.get(key);
      const acknowledged = this.#acknowledged.get(key) ?? NEVER;
      const later = this.#unanswered.get(key) ?? [];
      const found = [...later, acknowledged].find(({ digest }) => digest === held?.digest);
      if (found === undefined) {
        const { digest, sequence } = acknowledged;
        const is = held === undefined ? "missing" : `${held.digest.slice(0, 8)}@${held.sequence}`;
        const was = `${digest?.slice(0, 8) ?? "deleted"}@${sequence}, ${later.length} later`;
        this.problems.push(`${this.cluster} ${key} is ${is}: acknowledged was ${was}`);
      }
      // From here on the broker's copy is the truth: what it does not hold of the unanswered will never come.
      this.#acknowledged.set(key, found ?? NEVER);
    }
    for (const key of own.keys()) {
      if (!keys.has(key as RowKey)) this.problems.push(`${this.cluster} ${key} was never written`);
    }
    this.#unanswered.clear();
  }

  #begin(): void {
    this.mirror.clear();
    this.#say({ $case: "ownComplete", value: { sequence: this.#sequence } });
    this.#write();
  }

  #hear(message: NonNullable<BrokerMessage["message"]>): void {
    if (message.$case === "stored") {
      this.#stored(message.value.sequence);
      this.#write();
    } else if (message.$case === "refused") {
      this.problems.push(`${this.cluster} was refused: ${message.value.reason}`);
    } else if (message.$case === "ownerReset") {
      this.mirror.set(message.value.clusterId, new Map());
    } else if (message.$case === "ownerGone") {
      this.mirror.delete(message.value.clusterId);
    } else if (message.$case === "rowDelete") {
      this.#mirrorOf(message.value.clusterId).delete(message.value.key);
    } else if (message.$case === "rowPut") {
      const { clusterId, row } = message.value;
      if (row?.content?.$case !== "export") return;
      const key = `export/${row.namespace}/${row.name}`;
      this.#mirrorOf(clusterId).set(key, row.content.value.createdAtMs);
    }
  }

  #mirrorOf(owner: string): Map<string, number> {
    const known = this.mirror.get(owner);
    if (known !== undefined) return known;
    const rows = new Map<string, number>();
    this.mirror.set(owner, rows);
    return rows;
  }

  #stored(sequence: number): void {
    for (const [key, writes] of this.#unanswered) {
      const done = writes.filter((write) => write.sequence <= sequence);
      const last = done.at(-1);
      if (last === undefined) continue;
      this.#acknowledged.set(key, last);
      this.acknowledgedCount += done.length;
      const left = writes.slice(done.length);
      if (left.length === 0) this.#unanswered.delete(key);
      else this.#unanswered.set(key, left);
    }
  }

  #write(): void {
    if (this.#call === undefined) return;
    if (this.#isQuiet) {
      this.isSettled = this.#unanswered.size === 0;
      return;
    }
    let underway = 0;
    for (const writes of this.#unanswered.values()) underway += writes.length;
    for (; underway < WINDOW; underway++) this.#writeOne();
  }

  #writeOne(): void {
    const { random } = this.#options;
    const name = `row-${Math.floor(random.next() * KEYS)}`;
    this.#sequence += 1;
    this.#version += 1;
    const sequence = this.#sequence;
    const row = { ...anExportRow({ name }), createdAtMs: this.#version };
    const key = rowKey(row);
    const isDelete = random.next() < 0.3;
    const digest = isDelete
      ? undefined
      : createHash("sha256").update(encodeRowBytes(row)).digest("hex");
    const writes = this.#unanswered.get(key) ?? [];
    this.#unanswered.set(key, [...writes, { sequence, digest, version: this.#version }]);
    this.#say(
      isDelete
        ? { $case: "delete", value: { sequence, key } }
        : { $case: "put", value: { sequence, row: encodeRow(row) } },
    );
  }

  #say(message: NonNullable<MemberMessage["message"]>): void {
    this.#call?.write({ message });
  }
}
