import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { MemoryLogger } from "../../../test/controllers/memory-logger.ts";
import type { DialSlot } from "./dial-slot.ts";
import { MAX_TUNNELS } from "./peer-tunnels.ts";
import { DIALLED_MAX, PlaceSlots, tunnelsToEach } from "./place-slots.ts";

const EAST = "east" as ClusterId;
const placesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `east-${n}:7443`);

/** Slots that dial nobody: which of them run, by place. */
class Dialled {
  readonly log = new MemoryLogger();
  readonly running: { readonly place: string; readonly slot: DialSlot }[] = [];
  readonly slots: PlaceSlots;

  constructor(asked: number) {
    this.slots = new PlaceSlots(asked, {
      log: this.log,
      make: (_peer, place) => this.#make(place),
    });
  }

  to(places: readonly string[]): Record<string, number> {
    this.slots.set(new Map([[EAST, places]]));
    const counts: Record<string, number> = {};
    for (const { place } of this.running) counts[place] = (counts[place] ?? 0) + 1;
    return counts;
  }

  #make(place: string): DialSlot {
    const slot = {
      start: () => this.running.push({ place, slot }),
      stop: () => {
        const at = this.running.findIndex((each) => each.slot === slot);
        if (at >= 0) this.running.splice(at, 1);
      },
    } as unknown as DialSlot;
    return slot;
  }
}

test.each([
  { asked: 2, places: 1, want: 2 },
  { asked: 2, places: 16, want: 2 },
  { asked: 3, places: 16, want: 2 },
  { asked: 16, places: 16, want: 2 },
  { asked: 16, places: 2, want: 16 },
  { asked: 16, places: 3, want: 10 },
  { asked: 16, places: 0, want: 16 },
  { asked: 1, places: 100, want: 1 },
])("of $asked asked for to each of $places places: $want", ({ asked, places, want }) => {
  expect(tunnelsToEach(asked, places)).toBe(want);
});

test("whatever is asked for, a peer's places all have a tunnel while there are enough, and two members that dial each other fit", () => {
  assert(
    property(
      integer({ min: 1, max: 16 }),
      array(integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 5 }),
      (asked, counts) => {
        const dialled = new Dialled(asked);
        for (const count of counts) {
          const made = dialled.to(placesOf(count));
          expect(Object.keys(made)).toHaveLength(Math.min(count, DIALLED_MAX));
          expect(new Set(Object.values(made)).size).toBeLessThanOrEqual(1);
          expect(2 * dialled.running.length).toBeLessThanOrEqual(MAX_TUNNELS);
        }
        dialled.slots.set(new Map());
        expect(dialled.running).toEqual([]);
      },
    ),
  );
});

test("a tunnel that is there stays when places come and go, and fewer than asked for is said once", () => {
  const dialled = new Dialled(8);
  dialled.to(placesOf(2));
  const before = dialled.running.map(({ slot }) => slot);
  expect([before.length, dialled.log.messages]).toEqual([16, []]);
  expect(dialled.to(placesOf(8))["east-0:7443"]).toBe(4);
  expect(dialled.running.filter(({ slot }) => before.includes(slot))).toHaveLength(8);
  dialled.to(placesOf(7));
  expect(dialled.to(["east-0:7443"])).toEqual({ "east-0:7443": 8 });
  expect(dialled.running.filter(({ slot }) => before.includes(slot))).toHaveLength(4);
  expect(dialled.log.messages).toEqual(["fewer tunnels to each place than asked for"]);
});
