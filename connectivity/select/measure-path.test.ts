import { expect, test } from "vitest";
import { measuredPath, type PathSigns } from "./measure-path.ts";
import { type Measured, NOT_MEASURED } from "./path-fact.ts";

const NOW = 100_000;
const UP: Measured = { ...NOT_MEASURED, state: "up", reason: "probes answered", rttMs: 3 };
const DOWN: Measured = { ...NOT_MEASURED, state: "down", reason: "silent", sinceMs: NOW - 500 };
const ASKED: Measured = { ...NOT_MEASURED, reason: "not measured yet" };
const NOTHING: PathSigns = {
  answering: [],
  ends: [],
  reported: [],
  wasAlive: false,
  before: undefined,
};
const own = (measured: Measured) => [{ responder: "10.2.0.9:8090", measured }];

test.each<{
  readonly name: string;
  readonly signs: Partial<PathSigns>;
  readonly state: Measured["state"];
  readonly reason: string;
  readonly wasAlive?: boolean;
}>([
  { name: "nothing says anything", signs: {}, state: "unknown", reason: "not measured" },
  {
    name: "own probes alone",
    signs: { answering: own(DOWN) },
    state: "down",
    reason: "silent",
  },
  {
    name: "probes that never got through say less than who is in between",
    signs: { answering: own(DOWN), reported: [UP] },
    state: "up",
    reason: "probes answered",
  },
  {
    name: "once they did, their silence is proof",
    signs: { answering: own(DOWN), reported: [UP], wasAlive: true },
    state: "down",
    reason: "silent",
    wasAlive: true,
  },
  {
    name: "probes that get through now are believed, and remembered",
    signs: { answering: own(UP), reported: [DOWN] },
    state: "up",
    reason: "probes answered",
    wasAlive: true,
  },
  {
    name: "a path that is probed no more goes by reports, whatever was seen of it",
    signs: { reported: [UP], wasAlive: true },
    state: "up",
    reason: "probes answered",
    wasAlive: true,
  },
  {
    name: "the end of the only process that answered explains its silence",
    signs: { answering: own(DOWN), ends: [{ endedMs: NOW - 600, backMs: undefined }] },
    state: "unknown",
    reason: "whoever answered probes has ended",
  },
  {
    name: "an end that came long before explains nothing",
    signs: { answering: own(DOWN), ends: [{ endedMs: NOW - 60_000, backMs: undefined }] },
    state: "down",
    reason: "silent",
  },
  {
    name: "a death that was proved stands while a new responder was not asked yet",
    signs: { answering: own(ASKED), before: DOWN },
    state: "down",
    reason: "silent",
  },
  {
    name: "and ends with the first answer",
    signs: { answering: own(UP), before: DOWN },
    state: "up",
    reason: "probes answered",
    wasAlive: true,
  },
])("$name", ({ signs, state, reason, wasAlive = false }) => {
  const path = measuredPath({ ...NOTHING, ...signs }, NOW);
  expect(path).toMatchObject({ measured: { state, reason }, wasAlive });
});
