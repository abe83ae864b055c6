import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BACKEND_NAMES, type BackendName } from "../../api/network/backend-name.ts";
import {
  type Choice,
  DEFAULT_CHOICE_SETTINGS as SETTINGS,
  startChoice,
  stepChoice,
} from "./choose-path.ts";
import { NOT_MEASURED, type PathFact } from "./path-fact.ts";

type Words = Readonly<Partial<Record<BackendName, "up" | "down" | "unknown" | "unusable">>>;

function facts(words: Words): readonly PathFact[] {
  return BACKEND_NAMES.flatMap((backend): PathFact[] => {
    const word = words[backend];
    if (word === undefined) return [];
    const unusable = word === "unusable" ? "not offered" : undefined;
    const state = word === "unusable" ? "unknown" : word;
    return [{ ...NOT_MEASURED, backend, unusable, state, reason: `it is ${word}` }];
  });
}

/** Of two that are up, the better one was heard later. */
const HEARD_APART: [Words, number][] = [
  [{ "overlay-cni": "unknown" }, 1177],
  [{ "overlay-cni": "unknown", proxy: "up" }, 824],
  [{ "overlay-cni": "unknown", vxlan: "up", proxy: "up" }, 1000],
];

/** Drives one choice through time as its shell does: at every change, and when it wants to be asked. */
class Pair {
  choice: Choice;
  nowMs = 0;
  words: Words = {};
  pin: BackendName | undefined;
  readonly taken: { readonly atMs: number; readonly backend: BackendName | undefined }[] = [];

  readonly #order: (paths: readonly PathFact[]) => readonly PathFact[];

  constructor(
    last?: BackendName,
    order: (paths: readonly PathFact[]) => readonly PathFact[] = (paths) => paths,
  ) {
    this.choice = startChoice(last, { nowMs: 0, sinceMs: 0 });
    this.#order = order;
  }

  set(words: Words, pin?: BackendName): this {
    this.words = words;
    this.pin = pin;
    this.#step();
    return this;
  }

  run(forMs: number): this {
    const untilMs = this.nowMs + forMs;
    for (;;) {
      const next = this.#step();
      if (next === undefined || next > untilMs) break;
      expect(next).toBeGreaterThan(this.nowMs);
      this.nowMs = next;
    }
    this.nowMs = untilMs;
    return this;
  }

  #step(): number | undefined {
    const input = {
      nowMs: this.nowMs,
      wallMs: this.nowMs,
      paths: this.#order(facts(this.words)),
      pin: this.pin,
    };
    const before = this.choice.backend;
    const { choice, nextMs } = stepChoice(SETTINGS, this.choice, input);
    this.choice = choice;
    if (choice.backend !== before) this.taken.push({ atMs: this.nowMs, backend: choice.backend });
    return nextMs;
  }
}

describe("auto", () => {
  test.each<{ name: string; words: Words; want: BackendName | undefined; why: string }>([
    { name: "nothing configured", words: {}, want: undefined, why: "no backend is configured" },
    {
      name: "the first that is up",
      words: { underlay: "up", vxlan: "up" },
      want: "underlay",
      why: "first of those both sides have",
    },
    {
      name: "what cannot be used is skipped, and said",
      words: { underlay: "unusable", vxlan: "up" },
      want: "vxlan",
      why: "underlay: not offered",
    },
    {
      name: "one that is up before one that is better and not measured",
      words: { underlay: "unknown", vxlan: "up" },
      want: "vxlan",
      why: "",
    },
    {
      name: "not measured is better than dead",
      words: { underlay: "down", proxy: "unknown" },
      want: "proxy",
      why: "",
    },
    {
      name: "all dead: one of them, since it may come back",
      words: { underlay: "down", vxlan: "down" },
      want: "underlay",
      why: "",
    },
    {
      name: "none can be used: none",
      words: { underlay: "unusable", vxlan: "unusable" },
      want: undefined,
      why: "underlay: not offered; vxlan: not offered",
    },
  ])("$name", ({ words, want, why }) => {
    const { choice } = new Pair().set(words);
    expect(choice.backend).toBe(want);
    expect(choice.reason).toContain(why);
  });

  test("a dead path is left at once, a healed one taken again after ten seconds", () => {
    const pair = new Pair().set({ underlay: "up", vxlan: "up" }).run(60_000);
    pair.set({ underlay: "down", vxlan: "up" });
    expect(pair.choice).toMatchObject({ backend: "vxlan", reason: "underlay is down: it is down" });
    pair.run(5_000).set({ underlay: "up", vxlan: "up" }).run(19_999);
    expect(pair.choice.reason).toBe("underlay is up, but not for long enough yet");
    // It died once: it must be up twice as long.
    expect(pair.run(1).choice.backend).toBe("underlay");
  });

  test("all die: the last one stays in use, and the reason names them all", () => {
    const pair = new Pair().set({ underlay: "unusable", vxlan: "up", proxy: "up" }).run(1_000);
    pair.set({ underlay: "unusable", vxlan: "down", proxy: "down" });
    expect(pair.choice).toMatchObject({
      backend: "vxlan",
      reason: "no path is up: vxlan: it is down; proxy: it is down; underlay: not offered",
    });
  });

  test("what an earlier process used goes on until something is known", () => {
    const pair = new Pair("vxlan").set({ underlay: "unknown", vxlan: "unknown" }).run(60_000);
    expect(pair.choice.backend).toBe("vxlan");
    pair.set({ underlay: "up", vxlan: "unknown" }).run(1_000);
    expect(pair.choice.backend).toBe("underlay");
  });

  test("a path that is not measured has three seconds before another is taken", () => {
    const pair = new Pair().set({ underlay: "unknown", vxlan: "unknown" }).run(100);
    pair.set({ underlay: "unknown", vxlan: "up" }).run(2_899);
    expect(pair.choice.backend).toBe("underlay");
    expect(pair.run(1).choice.backend).toBe("vxlan");
  });

  test("a path that keeps dying is taken ever more rarely, and forgiven when it has stayed", () => {
    const pair = new Pair().set({ underlay: "up", vxlan: "up" });
    for (let flap = 0; flap < 180; flap += 1) {
      pair.set({ underlay: "down", vxlan: "up" }).run(5_000);
      pair.set({ underlay: "up", vxlan: "up" }).run(15_000);
    }
    // An hour of flapping three times a minute: left once, for it never stayed up for the twenty seconds it had to.
    expect(pair.taken.map(({ backend }) => backend)).toEqual(["underlay", "vxlan"]);
    pair.run(SETTINGS.betterForMsMax);
    expect(pair.choice.backend).toBe("underlay");
    pair.run(9 * SETTINGS.betterForMsMax).set({ underlay: "up", vxlan: "up" });
    expect(pair.choice.wary).toEqual({});
  });
});

describe("pins", () => {
  test("a pinned path is used though it is dead, and a better one is up", () => {
    const pair = new Pair().set({ underlay: "up", vxlan: "down" }, "vxlan");
    expect(pair.choice).toMatchObject({ backend: "vxlan", reason: "pinned" });
  });

  test.each<{ words: Words; why: string }>([
    { words: { underlay: "up", vxlan: "unusable" }, why: "pinned to vxlan: not offered" },
    { words: { underlay: "up" }, why: "pinned to vxlan, which is not configured here" },
  ])("$why", ({ words, why }) => {
    expect(new Pair().set(words, "vxlan").choice).toMatchObject({
      backend: undefined,
      reason: why,
    });
  });

  test("a pin that is taken away leaves the choice to auto", () => {
    const pair = new Pair().set({ underlay: "up", vxlan: "up" }, "vxlan").run(60_000);
    expect(pair.set({ underlay: "up", vxlan: "up" }).choice.backend).toBe("underlay");
  });
});

describe("nobody answers for a while, and nobody says that the path is dead", () => {
  const both = { underlay: "up", vxlan: "up" } as const;
  const neither = { underlay: "unknown", vxlan: "unknown" } as const;

  test("what all ways lead to is restarted: the one in use stays, whichever is heard first again", () => {
    const pair = new Pair().set(both).run(60_000).set(neither).run(20_000);
    pair.set({ underlay: "unknown", vxlan: "up" }).run(900);
    pair.set(both).run(3_600_000);
    expect(pair.taken).toEqual([{ atMs: 0, backend: "underlay" }]);
  });

  test("it alone stays silent: another that is up is taken after three seconds", () => {
    const pair = new Pair().set(both).run(60_000).set({ underlay: "unknown", vxlan: "up" });
    pair.run(10_000);
    expect(pair.taken.at(-1)).toEqual({
      atMs: 60_000 + SETTINGS.unknownForMs,
      backend: "vxlan",
    });
  });

  test("is no death: how long a path has been up stays known, and how far it is trusted", () => {
    const pair = new Pair().set({ underlay: "down", vxlan: "up" }).run(60_000).set(both);
    pair.run(6_000).set({ underlay: "unknown", vxlan: "up" }).run(1_000).set(both).run(30_000);
    expect(pair.taken.at(-1)).toEqual({ atMs: 60_000 + SETTINGS.betterForMs, backend: "underlay" });
  });
});

describe("laws", () => {
  const word = fc.constantFrom("up", "down", "unknown", "unusable");
  const words = fc.record(
    { underlay: word, "overlay-cni": word, vxlan: word, proxy: word },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Words>;
  const history = fc.array(fc.tuple(words, fc.integer({ min: 0, max: 40_000 })), { maxLength: 12 });

  test("what is in use can be used, and is not dead while another is not", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const pair = new Pair();
        for (const [given, forMs] of steps) {
          pair.set(given).run(forMs);
          const usable = BACKEND_NAMES.filter(
            (name) => given[name] !== undefined && given[name] !== "unusable",
          );
          const { backend } = pair.choice;
          if (backend === undefined) expect(usable).toEqual([]);
          else expect(usable).toContain(backend);
          if (usable.some((name) => given[name] !== "down"))
            expect(given[backend ?? "proxy"]).not.toBe("down");
        }
      }),
    );
  });

  test("a path that is up is left only for a better one that has been up for ten seconds or more", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const pair = new Pair();
        const upSince = new Map<BackendName, number>();
        for (const [given, forMs] of steps) {
          for (const name of BACKEND_NAMES) {
            // That nobody is there to answer is not held against a path (docs/decisions/0011).
            if (given[name] === "unknown") continue;
            if (given[name] !== "up") upSince.delete(name);
            else if (!upSince.has(name)) upSince.set(name, pair.nowMs);
          }
          const first = pair.taken.length;
          const from = pair.choice.backend;
          pair.set(given).run(forMs);
          let left = from;
          for (const { atMs, backend } of pair.taken.slice(first)) {
            if (left !== undefined && backend !== undefined && given[left] === "up") {
              expect(BACKEND_NAMES.indexOf(backend)).toBeLessThan(BACKEND_NAMES.indexOf(left));
              expect(atMs - (upSince.get(backend) ?? atMs)).toBeGreaterThanOrEqual(
                SETTINGS.betterForMs,
              );
            }
            left = backend;
          }
        }
      }),
    );
  });

  test("the order in which paths are told makes no difference", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const [pair, other] = [new Pair(), new Pair(undefined, (paths) => paths.toReversed())];
        for (const [given, forMs] of steps) {
          pair.set(given).run(forMs);
          other.set(given).run(forMs);
        }
        expect(other.taken).toEqual(pair.taken);
      }),
      { examples: [[HEARD_APART]] },
    );
  });

  test("once nothing changes, the first that is up is in use, and time changes nothing more", () => {
    fc.assert(
      fc.property(history, words, (steps, last) => {
        const pair = new Pair();
        for (const [given, forMs] of steps) pair.set(given).run(forMs);
        pair.set(last).run(SETTINGS.betterForMsMax);
        const firstUp = BACKEND_NAMES.find((name) => last[name] === "up");
        if (firstUp !== undefined) expect(pair.choice.backend).toBe(firstUp);
        const { length } = pair.taken;
        expect(pair.run(3_600_000).taken).toHaveLength(length);
      }),
    );
  });
});
