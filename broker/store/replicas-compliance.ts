import { describe, expect, test } from "vitest";
import type { StoreRecord } from "../core/store-record.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import type { Store } from "./store.ts";
import { aDelete, aRow, contents, keyOf, type StorePlace } from "./store-compliance.ts";

const a = testCluster("a");
const b = testCluster("b");
const member = { cluster: a, incarnation: 1, joinedAtMs: 5, certificateSerial: "ab" };

/** Resolves when the store shows what is asked for, at each change asked again. */
export async function eventually(store: Store, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const leave = store.subscribe(() => check());
    const check = (): void => {
      if (!holds()) return;
      leave();
      resolve();
    };
    check();
  });
}

/** What an adapter must do whose place several stores may have open at once. */
export function testReplicasCompliance(name: string, newPlace: () => Promise<StorePlace>): void {
  async function pair(): Promise<readonly [Store, Store]> {
    const place = await newPlace();
    return [await place.open(), await place.open()];
  }

  describe(`replicas of ${name}`, () => {
    test("share one epoch, and what one stores the other shows", async () => {
      const [one, other] = await pair();
      expect(other.epoch).toBe(one.epoch);
      await one.putMember(member);
      await one.append([aRow(1), aRow(2, "db"), aDelete(3, "db")]);
      await one.append([{ kind: "complete", cluster: a, incarnation: 1 }]);
      await eventually(other, () => other.table.owner(a)?.isComplete === true);
      expect(contents(other)).toEqual(contents(one));
      await other.removeMember(a);
      await eventually(one, () => one.table.owner(a) === undefined);
      expect(contents(one)).toEqual(contents(other));
      expect(one.table.departed(a)).toBe(1);
      await Promise.all([one.close(), other.close()]);
    });

    test("a session finds all that was acknowledged elsewhere before it was opened, of every owner", async () => {
      const [one, other] = await pair();
      for (let sequence = 1; sequence <= 20; sequence++) {
        await one.append([
          { ...aRow(sequence), cluster: sequence % 2 === 0 ? a : b } as StoreRecord,
        ]);
        const session = await other.openSession(a);
        expect(session.ok).toBe(true);
        expect(other.table.owner(sequence % 2 === 0 ? a : b)?.sequence).toBe(sequence);
      }
      await Promise.all([one.close(), other.close()]);
    });

    test("of two streams of one cluster only the later one can write, and the earlier one is told", async () => {
      const [one, other] = await pair();
      const earlier = await one.openSession(a);
      if (!earlier.ok) throw new Error(earlier.error.text);
      expect((await earlier.value.append([aRow(1)])).ok).toBe(true);
      const later = await other.openSession(a);
      if (!later.ok) throw new Error(later.error.text);
      const outcomes = await Promise.all([
        earlier.value.append([aRow(2, "late")]),
        later.value.append([aRow(2, "new")]),
      ]);
      expect(outcomes).toMatchObject([{ ok: false, error: { kind: "replaced" } }, { ok: true }]);
      await eventually(one, () => one.table.owner(a)?.sequence === 2);
      expect(earlier.value.replaced.aborted).toBe(true);
      expect(later.value.replaced.aborted).toBe(false);
      for (const store of [one, other]) {
        expect(store.table.owner(a)?.row(keyOf("late"))).toBeUndefined();
        expect(store.table.owner(a)?.row(keyOf("new"))?.sequence).toBe(2);
      }
      await Promise.all([one.close(), other.close()]);
    });

    test("sessions that open and write in turns and at once agree about every row", async () => {
      const [one, other] = await pair();
      const acknowledged = new Map<string, number>();
      let sequence = 0;
      const writer = async (store: Store, rounds: number): Promise<void> => {
        for (let round = 0; round < rounds; round++) {
          const session = await store.openSession(a);
          if (!session.ok) throw new Error(session.error.text);
          for (let at = 0; at < 5; at++) {
            sequence = Math.max(sequence, store.table.owner(a)?.sequence ?? 0) + 1;
            const row = `row-${sequence % 7}`;
            const own = sequence;
            const stored = await session.value.append([aRow(own, row)]);
            if (stored.ok) acknowledged.set(row, Math.max(acknowledged.get(row) ?? 0, own));
          }
        }
      };
      await Promise.all([writer(one, 8), writer(other, 8)]);
      await Promise.all([one.openSession(a), other.openSession(a)]);
      const final = await one.openSession(a);
      expect(final.ok).toBe(true);
      for (const [row, atLeast] of acknowledged) {
        expect(one.table.owner(a)?.row(keyOf(row))?.sequence).toBeGreaterThanOrEqual(atLeast);
      }
      await other.openSession(b);
      expect(contents(other)).toEqual(contents(one));
      await Promise.all([one.close(), other.close()]);
    });

    test("many changes leave few items behind, and a replica that opens later shows the same", async () => {
      const place = await newPlace();
      const one = await place.open();
      const watching = await place.open();
      await one.putMember(member);
      for (let sequence = 1; sequence <= 300; sequence++) {
        const key = `row-${sequence % 11}`;
        await one.append([sequence % 5 === 0 ? aDelete(sequence, key) : aRow(sequence, key)]);
      }
      const later = await place.open();
      expect(contents(later)).toEqual(contents(one));
      await eventually(watching, () => watching.table.owner(a)?.sequence === 300);
      expect(contents(watching)).toEqual(contents(one));
      await Promise.all([one.close(), watching.close(), later.close()]);
    });

    test("tell each other whose streams they hold, and take it back when they close", async () => {
      const [one, other] = await pair();
      const heard = (count: number): Promise<void> =>
        new Promise((resolve) => {
          const check = (): void => {
            if (other.whereabouts.elsewhere().size !== count) return;
            leave();
            resolve();
          };
          const leave = other.whereabouts.subscribe(check);
          check();
        });
      one.whereabouts.publish([{ cluster: a, incarnation: 4 }]);
      await heard(1);
      expect(other.whereabouts.elsewhere().get(a)).toEqual({ cluster: a, incarnation: 4 });
      expect(one.whereabouts.elsewhere().size).toBe(0);
      await one.close();
      await heard(0);
      await other.close();
    });
  });
}
