import { describe, expect, test } from "vitest";
import { BrokerMessage, type Hello } from "../../api/broker/broker.gen.ts";
import { rowKey } from "../../api/broker/row.ts";
import { UNLIMITED } from "../policy/cluster-policy.ts";
import { type SingleMessage, unpackBatch } from "../wire/batch.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { encodeOutgoing } from "./outgoing.ts";
import { Presence } from "./presence.ts";
import { Session } from "./session.ts";

const ROWS = 3000;

/** A session of a member that says this Hello, over a table with many rows of another. */
function openSession(hello: Partial<Hello>): { session: Session; table: BrokerTable } {
  const table = new BrokerTable();
  const cluster = testCluster("b");
  for (let at = 1; at <= ROWS; at++) putRow(table, at, `web-${at}`);
  table.apply({ kind: "complete", cluster, incarnation: 1 });
  const peer = { cluster: testCluster("a"), incarnation: 1, certificateSerial: "01" };
  const options = { clusterset: "set", storeEpoch: "e1", heartbeatIntervalMs: 1000, nowMs: 0 };
  const session = new Session({ peer, policy: UNLIMITED, ...options }, table, new Presence(0));
  const value = {
    protocolVersions: [1],
    storeEpoch: "",
    namespaces: ["shop"],
    known: [],
    cidrs: [],
    capabilities: [],
    ownDigest: new Uint8Array(),
    ...hello,
  };
  session.step({ kind: "message", message: { $case: "hello", value }, nowMs: 0 });
  session.step({ kind: "settled" });
  session.step({ kind: "turn" });
  return { session, table };
}

function putRow(table: BrokerTable, sequence: number, name: string): void {
  const cluster = testCluster("b");
  const row = anExportRow({ cluster, name });
  const record = { kind: "row", cluster, incarnation: 1, sequence, key: rowKey(row) } as const;
  table.apply({ ...record, bytes: encodeRowBytes(row) });
}

/** What it says until there is nothing more: in how many messages and bytes, and of which kinds. */
function pullAll(session: Session): {
  readonly messages: readonly NonNullable<BrokerMessage["message"]>[];
  readonly single: readonly SingleMessage[];
  readonly bytes: number;
} {
  const messages: NonNullable<BrokerMessage["message"]>[] = [];
  const single: SingleMessage[] = [];
  let bytes = 0;
  for (let next = session.pull(0); next !== undefined; next = session.pull(0)) {
    const encoded = encodeOutgoing(next);
    bytes += encoded.length;
    const { message } = BrokerMessage.decode(encoded);
    if (message === undefined) throw new Error("message must be one that is known");
    messages.push(message);
    if (message.$case !== "batch") {
      single.push(message);
      continue;
    }
    const unpacked = unpackBatch(message.value);
    if (!unpacked.ok) throw new Error(unpacked.error);
    for (const each of unpacked.value) if (each !== undefined) single.push(each);
  }
  return { messages, single, bytes };
}

describe("batches", () => {
  test("are sent to members that take them, and say what single messages would", () => {
    const old = pullAll(openSession({}).session);
    const batched = pullAll(openSession({ capabilities: ["x", "batch"] }).session);
    const [oldWelcome, ...oldRest] = old.single;
    const [welcome, ...rest] = batched.single;
    expect(oldWelcome).toMatchObject({ $case: "welcome", value: { capabilities: [] } });
    expect(welcome).toMatchObject({ $case: "welcome", value: { capabilities: ["batch"] } });
    expect(rest).toEqual(oldRest);
    expect(batched.messages.length).toBeLessThan(10);
    expect(batched.bytes).toBeLessThan(old.bytes / 5);
  });

  test("are not sent to members that do not know them", () => {
    const { messages } = pullAll(openSession({ capabilities: ["zip"] }).session);
    expect(messages.filter(({ $case }) => $case === "batch")).toEqual([]);
    expect(messages.length).toBeGreaterThan(ROWS);
  });

  test("hold a change and its OwnerComplete together; Welcome and what is alone stand alone", () => {
    const { session, table } = openSession({ capabilities: ["batch"] });
    expect(pullAll(session).messages[0]?.$case).toBe("welcome");
    putRow(table, ROWS + 1, "web-1");
    session.step({ kind: "owners-changed", clusters: new Set([testCluster("b")]) });
    const { messages, single } = pullAll(session);
    expect(messages.map(({ $case }) => $case)).toEqual(["batch"]);
    expect(single.map(({ $case }) => $case)).toEqual(["rowPut", "ownerComplete"]);
    session.step({ kind: "message", message: { $case: "ping", value: { nonce: 1 } }, nowMs: 0 });
    expect(pullAll(session).messages.map(({ $case }) => $case)).toEqual(["pong"]);
  });
});
