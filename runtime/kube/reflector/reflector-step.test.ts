import { expect, test } from "vitest";
import { InvariantError } from "../../../api/invariant.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { seededRandom } from "../../random/seeded-random.ts";
import type { KubeError } from "../kube-error.ts";
import type { ReflectorInput, ReflectorStep } from "./reflector-step.ts";
import { initialReflectorState, reflectorStep } from "./reflector-step.ts";

const random = seededRandom(3);
const BROKEN: KubeError = { kind: "unavailable", message: "etcd is slow", status: 500 };

function run(...inputs: readonly ReflectorInput<KubeObject>[]): ReflectorStep<KubeObject> {
  let step: ReflectorStep<KubeObject> = { state: initialReflectorState(), effects: [] };
  for (const input of inputs) step = reflectorStep(step.state, input, random);
  return step;
}

const LISTED: readonly ReflectorInput<KubeObject>[] = [
  { kind: "started" },
  { kind: "page", page: { items: [], resourceVersion: "10" } },
];
const SHORT: ReflectorInput<KubeObject> = { kind: "watch-ended", lastedMs: 5, error: BROKEN };

test("the watch starts from the first page's version: what later pages saw is replayed, nothing is missed", () => {
  const { next, effects } = run(
    { kind: "started" },
    { kind: "page", page: { items: [], resourceVersion: "10", continueToken: "more" } },
    { kind: "page", page: { items: [], resourceVersion: "12" } },
  );
  expect(next).toMatchObject({ kind: "watch", resourceVersion: "10" });
  expect(effects.map(({ kind }) => kind)).toEqual(["replace", "mark-synced"]);
});

test("a version whose watches keep failing is given up for a list", () => {
  const waited: ReflectorInput<KubeObject> = { kind: "waited" };
  expect(run(...LISTED, SHORT, waited).next).toMatchObject({ kind: "watch" });
  expect(run(...LISTED, SHORT, waited, SHORT, waited).next).toMatchObject({ kind: "watch" });
  expect(run(...LISTED, SHORT, waited, SHORT, waited, SHORT, waited).next).toEqual({
    kind: "list",
  });
});

test("the error stays visible until something worked", () => {
  expect(run(...LISTED, SHORT).state.error).toEqual(BROKEN);
  expect(run(...LISTED, SHORT, { kind: "waited" }).state.error).toEqual(BROKEN);
  const bookmark: ReflectorInput<KubeObject> = {
    kind: "event",
    event: { kind: "bookmark", resourceVersion: "11" },
  };
  expect(run(...LISTED, SHORT, { kind: "waited" }, bookmark).state.error).toBeUndefined();
});

test("an event without a watch is a bug", () => {
  const event: ReflectorInput<KubeObject> = {
    kind: "event",
    event: { kind: "bookmark", resourceVersion: "1" },
  };
  expect(() => run(event)).toThrow(InvariantError);
});

test("a server that nobody could reach may be another one afterwards: list, do not resume", () => {
  const refused: KubeError = { kind: "unavailable", message: "connection refused" };
  const cut: ReflectorInput<KubeObject> = { kind: "watch-ended", lastedMs: 60_000, error: refused };
  const waited: ReflectorInput<KubeObject> = { kind: "waited" };
  expect(run(...LISTED, cut, waited).next).toMatchObject({ kind: "watch", resourceVersion: "10" });
  const unreached: ReflectorInput<KubeObject> = {
    kind: "watch-ended",
    lastedMs: 5,
    error: refused,
  };
  expect(run(...LISTED, cut, waited, unreached, waited).next).toEqual({ kind: "list" });
});

test("a watch that was silent for its whole time leads to a list; one with a bookmark does not", () => {
  const end: ReflectorInput<KubeObject> = { kind: "watch-ended", lastedMs: 400_000 };
  const bookmark: ReflectorInput<KubeObject> = {
    kind: "event",
    event: { kind: "bookmark", resourceVersion: "11" },
  };
  expect(run(...LISTED, end).next).toEqual({ kind: "list" });
  expect(run(...LISTED, bookmark, end).next).toMatchObject({
    kind: "watch",
    resourceVersion: "11",
  });
});
