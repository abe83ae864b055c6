import { expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { PeerFailures, TOLD_MAX } from "./peer-failures.ts";

const [EAST, NORTH] = ["east" as ClusterId, "north" as ClusterId];

test("of two places that fail for reasons of their own each is said once, however often they are tried", () => {
  const failures = new PeerFailures();
  const said = Array.from({ length: 10 }, (_, n) =>
    failures.failed(EAST, n % 2 === 0 ? "nobody listens" : "wrong certificate"),
  );
  expect(said).toEqual([true, true, ...Array.from({ length: 8 }, () => false)]);
  expect([failures.latest(EAST), failures.latest(NORTH)]).toEqual(["wrong certificate", undefined]);
  expect(failures.failed(NORTH, "nobody listens")).toBe(true);
});

test("after a tunnel the same reason is news", () => {
  const failures = new PeerFailures();
  failures.failed(EAST, "nobody listens");
  failures.forget(EAST);
  expect(failures.latest(EAST)).toBeUndefined();
  expect(failures.failed(EAST, "nobody listens")).toBe(true);
});

test("reasons that are new each time do not fill the log", () => {
  const failures = new PeerFailures();
  const said = Array.from({ length: 1_000 }, (_, n) => failures.failed(EAST, `at ${n}`));
  expect(said.filter((isSaid) => isSaid)).toHaveLength(TOLD_MAX);
  expect(failures.latest(EAST)).toBe("at 999");
});

test("a tunnel of the peer that is refused is no reason why ours is not made", () => {
  const failures = new PeerFailures();
  expect([failures.refused(EAST, "full"), failures.refused(EAST, "full")]).toEqual([true, false]);
  expect(failures.latest(EAST)).toBeUndefined();
});
