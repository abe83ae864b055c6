import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../api/kube/object.ts";
import { objectKey } from "../object-view.ts";
import { type OpenWrite, OwnWrites, type WriteOutcome } from "./own-writes.ts";

interface Under {
  readonly write: OpenWrite;
  readonly kind: "put" | "delete";
  /** Undefined: the server has not seen it yet. */
  outcome: WriteOutcome<KubeObject> | "failed" | undefined;
}

/** A server, a watch that is late, and a view that takes both in. */
class World {
  readonly writes = new OwnWrites<KubeObject>();
  readonly view = new Map<string, KubeObject>();
  readonly server = new Map<string, KubeObject>();
  readonly #log: { readonly after: KubeObject | undefined; readonly object: KubeObject }[] = [];
  #told = 0;
  #version = 0;
  readonly under: Under[] = [];

  put(name: string): KubeObject {
    const known = this.server.get(name);
    const object = this.#stamp(name, known?.metadata.uid ?? `uid-${this.#version}`);
    this.server.set(name, object);
    this.#log.push({ after: object, object });
    return object;
  }

  delete(name: string): KubeObject | undefined {
    const known = this.server.get(name);
    if (known === undefined) return undefined;
    this.server.delete(name);
    const object = this.#stamp(name, known.metadata.uid ?? "");
    this.#log.push({ after: undefined, object });
    return object;
  }

  begin(name: string, kind: "put" | "delete"): Under {
    const under: Under = { write: this.writes.begin(name), kind, outcome: undefined };
    this.under.push(under);
    return under;
  }

  /** The server carries it out. */
  perform(under: Under): void {
    if (under.outcome !== undefined) return;
    const { key } = under.write;
    if (under.kind === "put") {
      under.outcome = { kind: "written", object: this.put(key) };
    } else {
      const uid = this.view.get(key)?.metadata.uid;
      const isThere = uid !== undefined && this.server.get(key)?.metadata.uid === uid;
      under.outcome = isThere ? { kind: "deleted", uid } : "failed";
      if (isThere) this.delete(key);
    }
  }

  /** The answer arrives; not always does it. */
  answer(under: Under, isLost = false): void {
    this.perform(under);
    this.under.splice(this.under.indexOf(under), 1);
    const { key } = under.write;
    const outcome = isLost || under.outcome === "failed" ? undefined : under.outcome;
    if (!this.writes.end(under.write, outcome, this.view.get(key))) return;
    if (outcome?.kind === "written") this.view.set(key, outcome.object);
    else this.view.delete(key);
  }

  tell(): void {
    const event = this.#log[this.#told];
    if (event === undefined) return;
    this.#told += 1;
    const key = objectKey(event.object);
    if (event.after === undefined) {
      if (this.writes.takesRemove(event.object)) this.view.delete(key);
    } else if (this.writes.takesPut(event.after)) this.view.set(key, event.after);
  }

  tellAll(): void {
    while (this.#told < this.#log.length) this.tell();
  }

  /** A full list of some moment since the last event told. */
  relist(skip: number): void {
    this.#told = Math.min(this.#log.length, this.#told + skip);
    this.writes.relisted();
    this.view.clear();
    for (const { after, object } of this.#log.slice(0, this.#told)) {
      if (after === undefined) this.view.delete(objectKey(object));
      else this.view.set(objectKey(object), after);
    }
  }

  #stamp(name: string, uid: string): KubeObject {
    this.#version += 1;
    return {
      apiVersion: "v1",
      kind: "Thing",
      metadata: { name, uid, resourceVersion: `${this.#version}` },
    };
  }
}

describe("OwnWrites", () => {
  test("what was written shows at once, and later versions of the watch replace it", () => {
    const world = new World();
    world.answer(world.begin("a", "put"));
    world.answer(world.begin("a", "put"));
    expect(world.view).toEqual(world.server);
    const mine = world.view.get("a");
    world.tell();
    expect(world.view.get("a")).toBe(mine);
    world.put("a");
    world.tellAll();
    expect(world.view).toEqual(world.server);
    expect(world.view.get("a")).not.toBe(mine);
  });

  test("what was deleted is gone at once, and its late events do not bring it back", () => {
    const world = new World();
    world.put("a");
    world.tell();
    world.put("a");
    world.answer(world.begin("a", "delete"));
    expect(world.view.size).toBe(0);
    world.tell();
    expect(world.view.size).toBe(0);
    world.tellAll();
    world.put("a");
    world.tellAll();
    expect(world.view).toEqual(world.server);
  });

  test("deleted and made anew: the end of the first life does not end the second", () => {
    const world = new World();
    world.put("a");
    world.tell();
    world.answer(world.begin("a", "delete"));
    world.answer(world.begin("a", "put"));
    world.tell();
    expect(world.view).toEqual(world.server);
    world.tellAll();
    expect(world.view).toEqual(world.server);
  });

  test("deleted, made anew and deleted again: the end of the first life is not that of the second", () => {
    const world = new World();
    for (const kind of ["put", "delete", "put", "delete"] as const) {
      world.answer(world.begin("a", kind));
    }
    for (let told = 0; told < 4; told++) {
      world.tell();
      expect(world.view.size).toBe(0);
    }
    expect(world.writes.size).toBe(0);
  });

  test("an answer that comes after its own events is not news", () => {
    const world = new World();
    const write = world.begin("a", "put");
    world.perform(write);
    world.delete("a");
    world.tellAll();
    world.answer(write);
    expect(world.view.size).toBe(0);
  });

  test("of two writes at once, answered in the other order, the later one stays", () => {
    const world = new World();
    const [first, second] = [world.begin("a", "put"), world.begin("a", "put")];
    world.perform(first);
    world.perform(second);
    world.answer(second);
    world.answer(first);
    expect(world.view).toEqual(world.server);
  });

  test("an object that finalizers hold back is shown until the watch says otherwise", () => {
    const writes = new OwnWrites<KubeObject>();
    const held = {
      apiVersion: "v1",
      kind: "Thing",
      metadata: { name: "a", uid: "u", resourceVersion: "1", finalizers: ["x/y"] },
    };
    expect(writes.end(writes.begin("a"), { kind: "deleted", uid: "u" }, held)).toBe(false);
  });

  const name = fc.constantFrom("a", "b");
  const step = fc.oneof(
    fc.record({
      kind: fc.constantFrom("begin-put", "begin-delete", "foreign-put", "foreign-delete"),
      name,
    }),
    fc.record({ kind: fc.constantFrom("perform", "answer", "lose"), at: fc.nat(3) }),
    fc.record({ kind: fc.constant("tell") }),
    fc.record({ kind: fc.constant("relist"), skip: fc.nat(5) }),
  );

  function run(
    world: World,
    one: { kind: string; name?: string; at?: number; skip?: number },
  ): void {
    const { kind, name: key = "a", at = 0, skip = 0 } = one;
    const under = world.under[at % Math.max(1, world.under.length)];
    if (kind === "begin-put") world.begin(key, "put");
    else if (kind === "begin-delete") world.begin(key, "delete");
    else if (kind === "foreign-put") world.put(key);
    else if (kind === "foreign-delete") world.delete(key);
    else if (kind === "tell") world.tell();
    else if (kind === "relist") world.relist(skip);
    else if (under !== undefined && kind === "perform") world.perform(under);
    else if (under !== undefined) world.answer(under, kind === "lose");
  }

  test("law: whatever is written by whom and told when, the view ends as the server (I1)", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        for (const one of steps) run(world, one);
        for (const under of [...world.under]) world.answer(under);
        world.tellAll();
        expect(world.view).toEqual(world.server);
        // I12: nothing is remembered once the watch has told it.
        expect(world.writes.size).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("law: when nobody else writes, one write at a time shows at once", () => {
    const own = fc.record({
      name,
      kind: fc.constantFrom("put", "delete" as const),
      told: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(own, { maxLength: 20 }), (ops) => {
        const world = new World();
        for (const { name: key, kind, told } of ops) {
          world.answer(world.begin(key, kind === "put" ? "put" : "delete"));
          expect(world.view).toEqual(world.server);
          for (let at = 0; at < told; at++) world.tell();
          expect(world.view).toEqual(world.server);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
