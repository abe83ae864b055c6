import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import {
  testResponder,
  type ZoneObjects,
  zoneOf,
} from "../../../dns-server/testing/test-responder.ts";
import { DIFFERENCES, deliberateAnswer } from "./differences.ts";

// Answers of CoreDNS 1.13 (kubernetes plugin, multicluster zone) to 133 questions about a small clusterset, recorded outside
// of this repository. Ours must be the same but for the differences of `differences.ts`, each with the rule that asks for it.

const RECORDINGS = new URL("../../../../shared/golden/dns/", import.meta.url);

interface Recorded {
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly aa: boolean;
  readonly tc: boolean;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
}

function readLines(file: string): readonly unknown[] {
  const text = readFileSync(new URL(file, RECORDINGS), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

function readObjects(): ZoneObjects {
  const objects = readLines("objects.jsonl") as readonly (ServiceImport | EndpointSlice)[];
  const imports = objects.filter((object) => object.kind === "ServiceImport") as ServiceImport[];
  const slices = objects.filter((object) => object.kind === "EndpointSlice") as EndpointSlice[];
  return { imports, slices };
}

/** The recording in the form of our test responder. Records of a section are a set. */
function toText(recorded: Recorded): readonly string[] {
  const flags = [recorded.aa && "aa", recorded.tc && "tc"].filter((flag) => flag !== false);
  return [
    [recorded.rcode, ...flags].join(" "),
    ...recorded.answer,
    ...recorded.authority.map((record) => `; ${record}`),
    ...recorded.additional.map((record) => `+ ${record}`),
  ].toSorted();
}

const isThere = existsSync(RECORDINGS);

test.runIf(!isThere)(
  "recordings of CoreDNS are not on this machine: nothing was compared",
  ({ skip }) => {
    skip("no ../shared/golden/dns next to the checkout");
  },
);

describe.runIf(isThere)("compared with CoreDNS", () => {
  const recordings = isThere ? (readLines("coredns-answers.jsonl") as readonly Recorded[]) : [];
  const { ask } = testResponder(isThere ? zoneOf(readObjects()) : undefined);
  const got = recordings.map((recorded) => {
    const question = `${recorded.name} ${recorded.type}`;
    return { question, ours: ask(question).toSorted(), theirs: toText(recorded) };
  });

  test("all questions were recorded", () => expect(recordings).toHaveLength(133));

  test.each(got)("$question", ({ question, ours, theirs }) => {
    const deliberate = deliberateAnswer(question);
    if (deliberate === undefined) {
      expect(ours).toEqual(theirs);
    } else {
      expect(ours).not.toEqual(theirs);
      expect(ours).toContain(deliberate);
    }
  });

  test("no difference is listed that was not asked", () => {
    const asked = new Set(got.map(({ question }) => question));
    const listed = DIFFERENCES.flatMap(({ questions }) => Object.keys(questions));
    expect(listed.filter((question) => !asked.has(question))).toEqual([]);
  });
});
