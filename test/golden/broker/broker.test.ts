import { describe, expect, test } from "vitest";
import { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import { readable, readRecording, recordedVersions, recordingsOf } from "./recording.ts";
import { recordedBroker, replayToBroker } from "./replay-to-broker.ts";
import { recordedMembers, replayToMembers } from "./replay-to-members.ts";

const RECORDINGS = recordedVersions().flatMap((version) =>
  recordingsOf(version).map((file) => ({ version, file, lines: readRecording(version, file) })),
);

describe.each(RECORDINGS)("recording $version/$file", ({ lines }) => {
  test("today's broker understands the members of then, and means the same by its answers", async () => {
    const now = await replayToBroker(lines);
    const then = recordedBroker(lines);
    expect([...now.keys()]).toEqual([...then.keys()]);
    for (const [stream, meaning] of then) {
      expect({ stream, means: now.get(stream)?.value }).toEqual({ stream, means: meaning.value });
    }
  });

  test("today's members understand the broker of then, end with the same state and say the same", async () => {
    const { checks, said } = await replayToMembers(lines);
    expect(checks.length).toBeGreaterThan(0);
    for (const { where, recorded, now } of checks) {
      expect({ where, knows: now }).toEqual({ where, knows: recorded });
    }
    for (const [stream, meaning] of recordedMembers(lines)) {
      expect({ stream, means: said.get(stream)?.value }).toEqual({ stream, means: meaning.value });
    }
  });

  test("reads as its bytes say", () => {
    for (const line of lines) {
      if (!("from" in line)) continue;
      const bytes = Buffer.from(line.bytes, "hex");
      // A later protocol may name more than the one of then: never less, and nothing otherwise.
      expect(readable(line.from, bytes)).toMatchObject(Object(line.says));
    }
  });
});

test("every kind of message of the first version is in its recordings", () => {
  const kinds = new Set<string>();
  for (const { version, lines } of RECORDINGS) {
    if (version !== "v1") continue;
    for (const line of lines) {
      if (!("from" in line)) continue;
      const bytes = Buffer.from(line.bytes, "hex");
      const codec = line.from === "member" ? MemberMessage : BrokerMessage;
      kinds.add(`${line.from} ${codec.decode(bytes).message?.$case}`);
    }
  }
  const member = ["hello", "subscribe", "put", "delete", "ownComplete", "ping"];
  const broker = ["welcome", "ownerReset", "rowPut", "rowDelete", "ownerComplete", "synced"].concat(
    ["ownRow", "ownRowsEnd", "stored", "refused", "ownerGone", "pong", "presence", "goAway"],
    ["importsDenied"],
  );
  const expected = member
    .map((kind) => `member ${kind}`)
    .concat(broker.map((kind) => `broker ${kind}`));
  expect([...kinds].sort()).toEqual(expected.sort());
});
