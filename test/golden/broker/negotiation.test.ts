import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import type { Hello } from "../../../api/broker/broker.gen.ts";
import type { StreamHandlers } from "../../../broker/client/sync-transport.ts";
import type { Outgoing } from "../../../broker/core/outgoing.ts";
import type { CloseReason } from "../../../broker/core/session-io.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { type Line, readRecording, recordingsOf } from "./recording.ts";
import { recordedBroker, replayToBroker } from "./replay-to-broker.ts";
import { recordedMembers, replayToMembers } from "./replay-to-members.ts";
import { WiredBroker } from "./wired-broker.ts";
import { WiredMember } from "./wired-member.ts";

/** A field of a later protocol: as long as text may be, and a number. */
const UNKNOWN_FIELDS = new BinaryWriter()
  .uint32((1000 << 3) | 2)
  .string("of a later version")
  .uint32(1001 << 3)
  .uint32(7)
  .finish();

/** The same message with something in it that is not known today, beside the part that is. */
function withUnknownFields(bytes: string): string {
  return bytes + Buffer.from(UNKNOWN_FIELDS).toString("hex");
}

/** Each message has fields that nobody knows, and after each comes one that nobody knows. */
function fromTheFuture(lines: readonly Line[], from: "member" | "broker"): readonly Line[] {
  return lines.flatMap((line) => {
    if (!("from" in line) || line.from !== from) return [line];
    const more = { ...line, bytes: withUnknownFields(line.bytes) };
    return [more, { ...line, says: null, bytes: withUnknownFields("") }];
  });
}

describe.each(recordingsOf("v1"))("a later version of the other side, as in %s", (file) => {
  const lines = readRecording("v1", file);

  test("says more than the broker knows: it is skipped", async () => {
    const now = await replayToBroker(fromTheFuture(lines, "member"));
    for (const [stream, meaning] of recordedBroker(lines)) {
      expect({ stream, means: now.get(stream)?.value }).toEqual({ stream, means: meaning.value });
    }
  });

  test("says more than the member knows: it is skipped", async () => {
    const { checks, said } = await replayToMembers(fromTheFuture(lines, "broker"));
    for (const { where, recorded, now } of checks) {
      expect({ where, knows: now }).toEqual({ where, knows: recorded });
    }
    for (const [stream, meaning] of recordedMembers(lines)) {
      expect({ stream, means: said.get(stream)?.value }).toEqual({ stream, means: meaning.value });
    }
  });
});

describe("the version", () => {
  async function greet(
    hello: Partial<Hello>,
  ): Promise<{ readonly heard: readonly Outgoing[]; readonly closed: CloseReason | undefined }> {
    const clock = new VirtualClock();
    const broker = new WiredBroker(clock);
    const heard: Outgoing[] = [];
    let closed: CloseReason | undefined;
    const peer = { cluster: testCluster("east"), incarnation: 1, certificateSerial: "01" };
    broker.connect("east/1", peer, {
      write: (outgoing) => heard.push(outgoing) > 0,
      closed: (reason) => (closed = reason),
    });
    await clock.advance(1);
    const value = {
      protocolVersions: [],
      storeEpoch: "",
      namespaces: [],
      known: [],
      cidrs: [],
      capabilities: [],
      ownDigest: new Uint8Array(),
    };
    broker
      .connection("east/1")
      ?.receive({ message: { $case: "hello", value: { ...value, ...hello } } });
    await clock.advance(1);
    return { heard, closed };
  }

  test("is the member's best that the broker speaks: of 2 and 1 it is 1", async () => {
    const { heard, closed } = await greet({ protocolVersions: [2, 1] });
    expect(closed).toBeUndefined();
    expect(heard[0]).toMatchObject({
      message: { $case: "welcome", value: { protocolVersion: 1 } },
    });
  });

  test("must be one that both speak: the refusal names what each of them does", async () => {
    const { heard, closed } = await greet({ protocolVersions: [9, 7] });
    expect(heard).toEqual([]);
    expect(closed).toEqual({
      kind: "protocol",
      text: "protocol version must be one the broker speaks (1): got [9, 7]",
    });
  });

  test("that a broker chose must be one the member speaks: it is rejected with both", async () => {
    const clock = new VirtualClock();
    let handlers: StreamHandlers | undefined;
    let isClosed = false;
    const member = new WiredMember("east", clock, () => (given) => {
      handlers = given;
      return { send: () => true, close: () => (isClosed = true) };
    });
    member.act({ do: "start", incarnation: 1 });
    member.act({ do: "namespaces", names: ["shop"] });
    const welcome = { clusterset: "set", storeEpoch: "e", incarnation: 1, sequence: 0 };
    handlers?.onMessage({
      message: {
        $case: "welcome",
        value: { ...welcome, protocolVersion: 2, heartbeatIntervalMs: 5000, capabilities: [] },
      },
    });
    expect(isClosed).toBe(true);
    expect(member.knows()).toMatchObject({
      status: {
        kind: "rejected",
        reason: "protocol version must be one of 1: broker chose 2",
      },
    });
  });
});
