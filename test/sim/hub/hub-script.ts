import type { RevokedRows } from "../../../broker/identity/revocations.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";

/** What happens to the hub and its members. Numbers name replicas, members and rows of those there are. */
export type HubAction =
  | { readonly kind: "set-row" | "drop-row"; readonly member: number; readonly row: number }
  /** `crash` loses the process and what it had under way; `stop` closes the store and tells members. */
  | {
      readonly kind: "replica";
      readonly replica: number;
      readonly what: "crash" | "stop" | "start";
    }
  /** Nothing reaches the space and nothing is heard of it. */
  | { readonly kind: "cut-space" | "mend-space"; readonly replica: number }
  /** The next write happens and its answer is lost. */
  | { readonly kind: "lose-answer"; readonly replica: number }
  /** All that the replica asks for, and all that it hears, comes so much later: then it is a stale writer. */
  | { readonly kind: "sleep"; readonly replica: number; readonly forMs: number }
  | {
      readonly kind: "link";
      readonly member: number;
      readonly what: "break" | "cut" | "heal" | "freeze" | "abandon";
    }
  /** Its process comes back knowing nothing but its certificate and its own rows. */
  | { readonly kind: "restart-member"; readonly member: number }
  /** An admin lets it in again, in another life. */
  | { readonly kind: "rejoin"; readonly member: number }
  | {
      readonly kind: "revoke";
      readonly member: number;
      readonly replica: number;
      readonly rows: RevokedRows;
    }
  | { readonly kind: "rotate"; readonly replica: number }
  /** Faults end, the world comes to rest, everything is compared; `ages`: for as long as a rotation takes. */
  | { readonly kind: "checkpoint"; readonly ages: boolean };

export interface HubStep {
  readonly action: HubAction;
  readonly waitMs: number;
}

/** Everything that a run depends on. Steps can be left out: the rest keeps its meaning. */
export interface HubScript {
  readonly seed: number;
  readonly replicas: number;
  readonly members: number;
  readonly steps: readonly HubStep[];
}

export const ROWS = 4;
const ROUNDS = 2;
const STEPS_PER_ROUND = 30;
const WAITS_MS = [0, 0, 0, 2, 2, 10, 10, 50, 300, 1_000, 4_000, 20_000, 60_000];

/** Draws a whole script from one seed, before anything runs. */
export function drawHubScript(seed: number): HubScript {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const one = <T>(items: readonly [T, ...T[]]): T => items[below(items.length)] ?? items[0];
  const replicas = 2 + below(2);
  const members = 2 + below(2);
  const fault = (): HubAction => {
    const [replica, member] = [below(replicas), below(members)];
    const draw = one<() => HubAction>([
      () => ({ kind: "replica", replica, what: one(["crash", "crash", "stop", "start"]) }),
      () => ({ kind: "replica", replica, what: one(["crash", "stop", "start"]) }),
      () => ({ kind: "cut-space", replica }),
      () => ({ kind: "mend-space", replica }),
      () => ({ kind: "lose-answer", replica }),
      () => ({ kind: "sleep", replica, forMs: one([200, 3_000, 30_000]) }),
      () => ({ kind: "sleep", replica, forMs: one([200, 3_000, 30_000]) }),
      () => ({ kind: "link", member, what: one(["break", "cut", "heal", "freeze", "abandon"]) }),
      () => ({ kind: "link", member, what: one(["break", "break", "abandon"]) }),
      () => ({ kind: "restart-member", member }),
      () => ({ kind: "rejoin", member }),
      () => ({ kind: "revoke", member, replica, rows: one(["withdraw", "freeze"]) }),
      () => ({ kind: "rotate", replica }),
    ]);
    return draw();
  };
  const steps: HubStep[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let step = 0; step < STEPS_PER_ROUND; step += 1) {
      const [member, row] = [below(members), below(ROWS)];
      const kind = random.next() < 0.7 ? ("set-row" as const) : ("drop-row" as const);
      const action = random.next() < 0.55 ? { kind, member, row } : fault();
      steps.push({ action, waitMs: WAITS_MS[below(WAITS_MS.length)] ?? 0 });
    }
    steps.push({ action: { kind: "checkpoint", ages: random.next() < 0.4 }, waitMs: 0 });
  }
  return { seed, replicas, members, steps };
}

export function hubStepText({ action, waitMs }: HubStep): string {
  const { kind, ...facts } = action;
  const text = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
  return `${[kind, ...text].join(" ")}; wait ${waitMs} ms`;
}
