import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { clientAt, responseTo } from "../../../dns-server/testing/test-responder.ts";
import { answerText } from "./answer-text.ts";
import { readCaseFiles } from "./case-file.ts";
import { readQuestion } from "./question-text.ts";
import { readZone } from "./zone-text.ts";

const files = readCaseFiles(fileURLToPath(new URL(".", import.meta.url)));

test("the tree has files for every standard that it speaks of", () => {
  const folders = new Set(files.map(({ name }) => name.split("/")[0]));
  expect([...folders]).toEqual([
    "kep1645",
    "rfc1034",
    "rfc1035",
    "rfc2181",
    "rfc2308",
    "rfc2782",
    "rfc3596",
    "rfc6891",
    "rfc7766",
    "rfc7873",
    "rfc8020",
    "rfc8482",
    "rfc8914",
    "rfc9619",
  ]);
});

describe.each(files)("$name", ({ zone, cases }) => {
  test.each(cases)("$title", ({ question, answer }) => {
    const { responder } = readZone(zone);
    const { packet, transport, client } = readQuestion(question);
    const response = responseTo(responder, packet, transport, clientAt(client));
    expect(response === undefined ? ["SILENCE"] : answerText(response)).toEqual(answer);
    // Asked again, the answer comes from what was compiled the first time.
    const again = responseTo(responder, packet, transport, clientAt(client));
    expect(again === undefined ? ["SILENCE"] : answerText(again)).toEqual(answer);
    if (response !== undefined) expect(response.readUInt16BE(0)).toBe(packet.readUInt16BE(0));
  });
});
