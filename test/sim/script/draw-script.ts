import type { IpFamily } from "../../../api/kube/service.ts";
import { Draw } from "../../../runtime/random/draw.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { EXPORT_SPECS, SERVICE_SHAPES, SIM_NAMESPACES, SIM_SERVICES } from "./service-shapes.ts";
import type {
  Action,
  FaultAction,
  HeldObject,
  OwnObject,
  Script,
  Step,
  Target,
  UserAction,
} from "./step.ts";

export interface ScriptOptions {
  /** Rounds of changes and faults, each ended by a checkpoint. */
  readonly rounds: number;
  readonly stepsPerRound: number;
  /** Most replicas of the broker. */
  readonly hubsMax: number;
}

export const DEFAULT_SCRIPT: ScriptOptions = { rounds: 2, stepsPerRound: 24, hubsMax: 2 };

const WAITS_MS = [0, 0, 0, 0, 5, 5, 20, 20, 100, 100, 500, 500, 2_000, 2_000, 8_000, 25_000];

/** Draws a whole script from one seed, before anything runs. */
export function drawScript(seed: number, options: ScriptOptions = DEFAULT_SCRIPT): Script {
  const draw = new Draw(seededRandom(seed));
  const memberCount = 2 + draw.below(3);
  const hasIpv6 = draw.chance(0.5);
  const members = Array.from({ length: memberCount }, (_, index) => ({
    clockSkewMs: draw.chance(0.5) ? 0 : draw.below(120_000) - 60_000,
    namespaces: draw.chance(0.7) ? [...SIM_NAMESPACES] : [draw.one(SIM_NAMESPACES)],
    families: hasIpv6 ? draw.one(FAMILIES) : (["IPv4"] as const),
    // Elections cost much time for little more of them: in one member of some scripts.
    replicas: 1 + (index === 0 && draw.chance(0.4) ? 1 : 0),
  }));
  const hubs = draw.chance(0.6) ? 1 : options.hubsMax;
  const steps: Step[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    // Something to work on: without it most actions would find nothing.
    for (let member = 0; member < memberCount; member += 1) steps.push(...opening(draw, member));
    for (let step = 0; step < options.stepsPerRound; step += 1) {
      const action = draw.chance(0.65) ? userAction(draw, memberCount) : fault(draw, memberCount);
      steps.push({ action, waitMs: draw.one(WAITS_MS) });
    }
    const loseBroker = draw.chance(0.4);
    const lost = draw.chance(0.6) ? draw.some(memberCount) : [];
    steps.push({ action: { kind: "checkpoint", loseBroker, lost }, waitMs: 0 });
  }
  return { seed, hubs, members, steps };
}

/** A service with endpoints, exported. */
export function opening(draw: Draw, member: number): Step[] {
  const target = { member, namespace: draw.one(SIM_NAMESPACES), service: draw.one(SIM_SERVICES) };
  const actions: Action[] = [
    { kind: "put-service", ...target, shape: shape(draw) },
    { kind: "put-endpoints", ...target, slice: 0, present: 1 + draw.below(7), ready: 7 },
    { kind: "export", ...target, spec: 0 },
  ];
  return actions.map((action) => ({ action, waitMs: draw.one(WAITS_MS) }));
}

const FAMILIES: readonly (readonly IpFamily[])[] = [
  ["IPv4"],
  ["IPv4", "IPv6"],
  ["IPv6", "IPv4"],
  ["IPv6"],
];
const OWN_OBJECTS: readonly OwnObject[] = ["import", "derived", "slice"];
const HELD_OBJECTS: readonly HeldObject[] = ["namespace", "service", "export"];

type DrawUserAction = (draw: Draw, target: Target, members: number) => UserAction;
type DrawFault = (draw: Draw, member: number) => FaultAction;

/** Each entry once per weight. */
const USER_ACTIONS: readonly DrawUserAction[] = [
  ...repeat<DrawUserAction>(4, putService),
  ...repeat<DrawUserAction>(4, putEndpoints),
  ...repeat<DrawUserAction>(4, (draw, target) => ({
    kind: "export",
    ...target,
    spec: exportSpec(draw),
  })),
  ...repeat<DrawUserAction>(2, (_, target) => ({ kind: "unexport", ...target })),
  (draw, target) => ({ kind: "recreate-service", ...target, shape: shape(draw) }),
  (draw, target) => ({ kind: "relabel-service", ...target, value: draw.below(3) }),
  (draw, target) => ({ kind: "recreate-export", ...target, spec: exportSpec(draw) }),
  (draw, target, members) => ({
    kind: "move-export",
    ...target,
    to: draw.below(members),
    spec: exportSpec(draw),
  }),
  (draw, target) => ({ kind: "delete-held", ...target, what: draw.one(HELD_OBJECTS) }),
  (draw, target) => ({ kind: "let-go", ...target, what: draw.one(HELD_OBJECTS) }),
  (_, target) => ({ kind: "delete-service", ...target }),
  (draw, target) => ({ kind: "delete-endpoints", ...target, slice: draw.below(2) }),
  ...repeat<DrawUserAction>(2, (_, { member, namespace }) => ({
    kind: "create-namespace",
    member,
    namespace,
  })),
  (_, { member, namespace }) => ({ kind: "delete-namespace", member, namespace }),
  (draw, target) => ({
    kind: "edit-own",
    ...target,
    what: draw.one(OWN_OBJECTS),
    edit: draw.below(3),
  }),
  (draw, target) => ({ kind: "delete-own", ...target, what: draw.one(OWN_OBJECTS) }),
  (draw, target) => ({ kind: "put-hand-made", ...target, what: draw.one(OWN_OBJECTS) }),
  (draw, target) => ({ kind: "delete-hand-made", ...target, what: draw.one(OWN_OBJECTS) }),
];

export function userAction(draw: Draw, members: number): UserAction {
  const target = {
    member: draw.below(members),
    namespace: draw.one(SIM_NAMESPACES),
    service: draw.one(SIM_SERVICES),
  };
  return draw.one(USER_ACTIONS)(draw, target, members);
}

function shape(draw: Draw): number {
  return draw.below(SERVICE_SHAPES.length);
}

function exportSpec(draw: Draw): number {
  return draw.below(EXPORT_SPECS.length);
}

function putService(draw: Draw, target: Target): UserAction {
  return { kind: "put-service", ...target, shape: shape(draw) };
}

function putEndpoints(draw: Draw, target: Target): UserAction {
  const [present, ready] = [draw.below(8), draw.below(8)];
  return { kind: "put-endpoints", ...target, slice: draw.below(2), present, ready };
}

const FAULTS: readonly DrawFault[] = [
  ...repeat<DrawFault>(3, (draw, member) => ({
    kind: "kube-faults",
    member,
    errorRate: draw.one([0, 0.1, 0.4]),
    latencyMs: draw.one([0, 5, 300]),
    watchDelayMs: draw.one([0, 20, 3_000]),
  })),
  ...repeat<DrawFault>(2, (draw, member) => ({
    kind: "cut-watches",
    member,
    gone: draw.chance(0.5),
  })),
  ...repeat<DrawFault>(2, (draw) => ({
    kind: "broker",
    hub: draw.below(2),
    what: draw.one(["stop", "start", "restart", "lose-store"]),
  })),
  ...repeat<DrawFault>(3, (draw, member) => ({
    kind: "link",
    member,
    what: draw.one(["break", "cut", "heal", "freeze", "abandon"]),
  })),
  ...repeat<DrawFault>(3, (draw, member) => ({
    kind: "restart-controllers",
    member,
    replica: draw.below(2),
    how: draw.one(["crash", "graceful", "rejoin"]),
    downMs: draw.one([0, 10, 1_000, 10_000]),
  })),
  ...repeat<DrawFault>(2, (draw, member) => ({
    kind: "cut-off",
    member,
    replica: draw.below(2),
    forMs: draw.one([2_000, 20_000, 40_000]),
  })),
  (draw, member) => ({ kind: "restart-dns", member, downMs: draw.one([0, 1_000]) }),
];

export function fault(draw: Draw, members: number): FaultAction {
  return draw.one(FAULTS)(draw, draw.below(members));
}

function repeat<T>(times: number, item: T): readonly T[] {
  return Array.from({ length: times }, () => item);
}
