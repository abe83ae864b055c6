import { expect, test } from "vitest";
import { type Answering, isProcessGone } from "./lone-responder.ts";
import { NOT_MEASURED } from "./path-fact.ts";

const DIED_MS = 1_000_000;

function fellSilent(responder: string, sinceMs: number): Answering {
  return { responder, measured: { ...NOT_MEASURED, state: "down", sinceMs } };
}

const ALONE = [fellSilent("10.1.0.5:4796", DIED_MS + 500)];
const ENDED = { endedMs: DIED_MS, backMs: undefined };

test.each<{
  readonly is: string;
  readonly answering: readonly Answering[];
  readonly end?: { readonly endedMs: number; readonly backMs: number | undefined };
  readonly atMs?: number;
  readonly isGone: boolean;
}>([
  { is: "the stream goes on: the path is dead", answering: ALONE, isGone: false },
  { is: "its stream ended in that moment", answering: ALONE, end: ENDED, isGone: true },
  {
    is: "told a little late by the hub",
    answering: ALONE,
    end: { ...ENDED, endedMs: DIED_MS + 700 },
    isGone: true,
  },
  {
    is: "the path was dead before the process ended",
    answering: ALONE,
    end: { ...ENDED, endedMs: DIED_MS + 900 },
    isGone: false,
  },
  {
    is: "it was silent long before, or long after",
    answering: ALONE,
    end: { ...ENDED, endedMs: DIED_MS - 60_000 },
    isGone: false,
  },
  {
    is: "a process has an address of each family",
    answering: [...ALONE, fellSilent("[fd00::5]:4796", DIED_MS + 600)],
    end: ENDED,
    isGone: true,
  },
  {
    is: "two processes fell silent at once: the path",
    answering: [...ALONE, fellSilent("10.1.0.6:4796", DIED_MS + 550)],
    end: ENDED,
    isGone: false,
  },
  {
    is: "who never answered, or ended long ago, is no witness",
    answering: [...ALONE, fellSilent("10.1.0.6:4796", DIED_MS - 90_000)],
    end: ENDED,
    isGone: true,
  },
  {
    is: "it is back and has not told yet where it answers",
    answering: ALONE,
    end: { ...ENDED, backMs: DIED_MS + 3_000 },
    atMs: DIED_MS + 12_900,
    isGone: true,
  },
  {
    is: "it has been back for long",
    answering: ALONE,
    end: { ...ENDED, backMs: DIED_MS + 3_000 },
    atMs: DIED_MS + 13_000,
    isGone: false,
  },
])("$is", ({ answering, end, atMs = DIED_MS + 1_000, isGone }) => {
  const later = { endedMs: DIED_MS + 40_000, backMs: DIED_MS + 40_001 };
  expect(isProcessGone(answering, end === undefined ? [] : [end, later], atMs)).toBe(isGone);
});
