import { beforeEach, expect, test } from "vitest";
import { err, ok, type Result } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { LinkEvent } from "../broker-link.ts";
import type { SavedState } from "./saved-state.ts";
import { StateKeeper } from "./state-keeper.ts";

const STATE: SavedState = { epoch: "e1", namespaces: [], visibility: "", owners: [], ownRows: [] };

let clock: VirtualClock;
let saves: number[];
let outcome: Result<void, string>;
let saveMs: number;
let removed: number;
let state: SavedState | undefined;
let tell: () => void;
let keeper: StateKeeper;

beforeEach(() => {
  clock = new VirtualClock();
  saves = [];
  outcome = ok(undefined);
  saveMs = 0;
  removed = 0;
  state = STATE;
  const file = {
    load: () => Promise.resolve(err("damaged")),
    save: (given: SavedState) => {
      expect(given).toBe(state);
      saves.push(clock.monotonicMs());
      return new Promise<Result<void, string>>((resolve) => {
        clock.setTimer(saveMs, () => resolve(outcome));
      });
    },
    remove: () => {
      removed += 1;
      return Promise.resolve(ok(undefined));
    },
  };
  keeper = new StateKeeper({ file, clock, log: silentLogger });
  const listeners = new Set<(event: LinkEvent) => void>();
  tell = () => {
    for (const listener of listeners) listener({ kind: "connection-changed" });
  };
  keeper.follow({
    saved: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  });
});

test("changes are saved together a minute after the first; where nothing changes nothing is written", async () => {
  for (let at = 0; at < 100; at++) tell();
  await clock.advance(59_000);
  tell();
  expect(saves).toEqual([]);
  await clock.advance(600_000);
  expect(saves).toEqual([60_000]);
});

test("what changes while it is saved is saved next; what takes long is saved less often", async () => {
  saveMs = 10_000;
  tell();
  await clock.advance(65_000);
  tell();
  await clock.advance(504_000);
  expect(saves).toEqual([60_000]);
  await clock.advance(2000);
  expect(saves).toEqual([60_000, 570_000]);
});

test("before the first sync there is nothing to save; a save that failed is tried again", async () => {
  state = undefined;
  tell();
  await clock.advance(61_000);
  state = STATE;
  outcome = err("disk full");
  tell();
  await clock.advance(60_000);
  expect(saves).toHaveLength(1);
  outcome = ok(undefined);
  await clock.advance(300_000);
  expect(saves).toHaveLength(2);
});

test("the end saves what has not been saved; a damaged file is no state", async () => {
  expect(await keeper.load()).toBeUndefined();
  tell();
  const stopped = keeper.stop();
  await clock.advance(1);
  await stopped;
  tell();
  await clock.advance(300_000);
  expect([saves.length, removed]).toEqual([1, 0]);
});

test("a cluster that leaves keeps nothing", async () => {
  tell();
  await keeper.stop("discard");
  expect([saves.length, removed]).toEqual([0, 1]);
});
