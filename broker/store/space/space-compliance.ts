import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../../api/result.ts";
import type { Following, Space, SpaceEvent, SpaceItem } from "./space.ts";

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** All that a follower hears, as text. */
class Ear {
  readonly heard: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly following: Following;

  constructor(space: Space) {
    this.following = space.follow({
      snapshot: (items) => this.#note([`snapshot ${items.map(textOf).sort().join(" ")}`.trim()]),
      changes: (events) => this.#note(events.map(wordsFor)),
    });
  }

  /** Waits until this has been heard, from the `from`th on. */
  async hear(text: string, from = 0): Promise<void> {
    while (!this.heard.slice(from).includes(text)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #note(texts: readonly string[]): void {
    this.heard.push(...texts);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function textOf({ name, data }: SpaceItem): string {
  return `${name}=${Buffer.from(data).toString()}`;
}

function wordsFor(event: SpaceEvent): string {
  return event.kind === "put" ? textOf(event.item) : `-${event.name}`;
}

export interface SpacePlace {
  /** Another client of the same space. */
  open(): Promise<Space>;
  dispose(): Promise<void>;
}

/** What every Space adapter must do. */
export function testSpaceCompliance(name: string, newPlace: () => Promise<SpacePlace>): void {
  describe(`${name} complies with Space`, () => {
    let place: SpacePlace;
    let space: Space;
    let other: Space;
    beforeAll(async () => {
      place = await newPlace();
      space = await place.open();
      other = await place.open();
    });
    afterAll(async () => {
      await space.close();
      await other.close();
      await place.dispose();
    });

    test("creates once, replaces by version, and removes; conditions that do not hold are conflicts", async () => {
      expect(must(await space.read("one.a"))).toBeUndefined();
      const first = must(await space.create({ name: "one.a", data: bytes("1") }));
      expect(await other.create({ name: "one.a", data: bytes("2") })).toMatchObject({
        error: { kind: "conflict" },
      });
      expect(must(await other.read("one.a"))).toEqual({
        name: "one.a",
        version: first,
        data: expect.objectContaining({ length: 1 }),
      });
      const second = must(await other.replace({ name: "one.a", data: bytes("2") }, first));
      expect(await space.replace({ name: "one.a", data: bytes("3") }, first)).toMatchObject({
        error: { kind: "conflict" },
      });
      expect(await space.remove("one.a", first)).toMatchObject({ error: { kind: "conflict" } });
      expect(
        textOf(must(await space.read("one.a")) ?? { name: "", version: "", data: bytes("") }),
      ).toBe("one.a=2");
      must(await space.remove("one.a", second));
      must(await space.remove("one.a"));
      must(await space.remove("one.a", second));
      expect(await space.replace({ name: "one.a", data: bytes("4") }, second)).toMatchObject({
        error: { kind: "conflict" },
      });
      expect(must(await other.read("one.a"))).toBeUndefined();
    });

    test("of many that create one name at once exactly one does", async () => {
      const tries = await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          (at % 2 === 0 ? space : other).create({ name: "race", data: bytes(`${at}`) }),
        ),
      );
      expect(tries.filter(({ ok }) => ok)).toHaveLength(1);
      await space.remove("race");
    });

    test("lists what begins so, all of it", async () => {
      const names = Array.from({ length: 150 }, (_, at) => `many.${String(at).padStart(3, "0")}`);
      for (const batch of chunks(names, 25)) {
        await Promise.all(batch.map((item) => space.create({ name: item, data: bytes("x") })));
      }
      must(await space.create({ name: "manyother", data: bytes("y") }));
      const listed = must(await other.list("many."));
      expect(listed.map((item) => item.name).sort()).toEqual(names);
      for (const batch of chunks([...names, "manyother"], 25)) {
        await Promise.all(batch.map((item) => space.remove(item)));
      }
    });

    test("keeps any bytes, up to the limit", async () => {
      const data = Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 7) & 0xff);
      must(await space.create({ name: "large", data }));
      const read = must(await other.read("large"));
      expect(Buffer.compare(read?.data ?? bytes(""), data)).toBe(0);
      await space.remove("large");
    });

    test("tells a follower everything at one moment and then each change, in the order of the writes", async () => {
      must(await space.create({ name: "f.before", data: bytes("0") }));
      const ear = new Ear(other);
      await ear.hear("snapshot f.before=0");
      const version = must(await space.create({ name: "f.x", data: bytes("1") }));
      must(await space.create({ name: "f.y", data: bytes("1") }));
      const next = must(await other.replace({ name: "f.x", data: bytes("2") }, version));
      must(await space.remove("f.x", next));
      must(await space.create({ name: "f.x", data: bytes("3") }));
      await ear.hear("f.x=3");
      const wanted = ["snapshot f.before=0", "f.x=1", "f.y=1", "f.x=2", "-f.x", "f.x=3"];
      expect(ear.heard).toEqual(wanted);
      ear.following.restart();
      await ear.hear("snapshot f.before=0 f.x=3 f.y=1");
      must(await space.remove("f.y"));
      await ear.hear("-f.y", wanted.length);
      await ear.following.stop();
      for (const left of ["f.before", "f.x"]) must(await space.remove(left));
    });

    test("closed: nothing is done any more", async () => {
      const closed = await place.open();
      const ear = new Ear(closed);
      await ear.hear("snapshot");
      await closed.close();
      expect((await closed.create({ name: "late", data: bytes("1") })).ok).toBe(false);
      expect(must(await space.read("late"))).toBeUndefined();
    });
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
