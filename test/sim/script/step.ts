import type { IpFamily } from "../../../api/kube/service.ts";

/** One service in one member. */
export interface Target {
  readonly member: number;
  readonly namespace: string;
  readonly service: string;
}

/** What a user does to Kubernetes objects. */
export type UserAction =
  | (Target & { readonly kind: "put-service"; readonly shape: number })
  | (Target & { readonly kind: "delete-service" })
  /** `present` and `ready` are bit masks over the endpoints of the slice. */
  | (Target & {
      readonly kind: "put-endpoints";
      readonly slice: number;
      readonly present: number;
      readonly ready: number;
    })
  | (Target & { readonly kind: "delete-endpoints"; readonly slice: number })
  /** Deleted and made again under its name in the same instant, with other endpoints. */
  | (Target & { readonly kind: "recreate-service"; readonly shape: number })
  /** Labels and annotations of the Service and its slices: nobody's business. */
  | (Target & { readonly kind: "relabel-service"; readonly value: number })
  | (Target & { readonly kind: "export"; readonly spec: number })
  | (Target & { readonly kind: "unexport" })
  /** Deleted and made again in the same instant: another export, and younger. */
  | (Target & { readonly kind: "recreate-export"; readonly spec: number })
  /** Unexported here and exported in another member, in the same instant. */
  | (Target & { readonly kind: "move-export"; readonly to: number; readonly spec: number })
  /** Deleted with a finalizer: it stays, terminating, until it is let go. A namespace stays for something in it. */
  | (Target & { readonly kind: "delete-held"; readonly what: HeldObject })
  | (Target & { readonly kind: "let-go"; readonly what: HeldObject })
  | { readonly kind: "create-namespace"; readonly member: number; readonly namespace: string }
  | { readonly kind: "delete-namespace"; readonly member: number; readonly namespace: string }
  /** Changes or deletes an object that Isthmus wrote. */
  | (Target & { readonly kind: "edit-own"; readonly what: OwnObject; readonly edit: number })
  | (Target & { readonly kind: "delete-own"; readonly what: OwnObject })
  /** An object of the user's own under a name that Isthmus would use. */
  | (Target & { readonly kind: "put-hand-made"; readonly what: OwnObject })
  | (Target & { readonly kind: "delete-hand-made"; readonly what: OwnObject });

export type OwnObject = "import" | "derived" | "slice";
export type HeldObject = "namespace" | "service" | "export";

/** What breaks. */
export type FaultAction =
  | {
      readonly kind: "kube-faults";
      readonly member: number;
      readonly errorRate: number;
      readonly latencyMs: number;
      readonly watchDelayMs: number;
    }
  | { readonly kind: "cut-watches"; readonly member: number; readonly gone: boolean }
  /** `hub` is the replica of the broker, of those there are; all lose the one store. */
  | {
      readonly kind: "broker";
      readonly hub: number;
      readonly what: "stop" | "start" | "restart" | "lose-store";
    }
  | { readonly kind: "link"; readonly member: number; readonly what: LinkFault }
  /** A replica of those there are; `rejoin` is of all: they come back as another incarnation of the member. */
  | {
      readonly kind: "restart-controllers";
      readonly member: number;
      readonly replica: number;
      readonly how: "crash" | "graceful" | "rejoin";
      readonly downMs: number;
    }
  /** No request of this replica arrives for some time. */
  | {
      readonly kind: "cut-off";
      readonly member: number;
      readonly replica: number;
      readonly forMs: number;
    }
  | { readonly kind: "restart-dns"; readonly member: number; readonly downMs: number };

/**
 * `freeze` is half-open: neither side is told. `abandon` is lost at the member only: what it had sent arrives late, beside its
 * next stream.
 */
export type LinkFault = "break" | "cut" | "heal" | "freeze" | "abandon";

/** Faults end, the world comes to rest, and everything is compared with the pure merge. */
export interface CheckpointAction {
  readonly kind: "checkpoint";
  /** Also lose the broker and restart a member while nothing else changes (I7). */
  readonly loseBroker: boolean;
  /** Members that are cut off for longer than lost clusters are kept, while nothing else changes (I8). */
  readonly lost: readonly number[];
}

/** What happens to paths, where a script has them. */
export type PathAction =
  /** One way; `lossy` loses a part of what is sent. */
  | {
      readonly kind: "path";
      readonly from: number;
      readonly to: number;
      readonly backend: SimBackend;
      readonly condition: PathCondition;
    }
  /**
   * Who answers a member's probes is gone for some time. `killed` and `moved`: with the controllers, in whose process it is;
   * back in the same pod, or in another. `stopped`: in good order. `alone`: as in a pod of its own.
   */
  | {
      readonly kind: "responder";
      readonly member: number;
      readonly how: "killed" | "moved" | "stopped" | "alone";
      readonly downMs: number;
    }
  /** A member's admin chooses others of `PIN_SETS`. */
  | { readonly kind: "pins"; readonly member: number; readonly pins: number }
  /** A member without services, which only takes global addresses; it comes back as another incarnation. */
  | { readonly kind: "guest"; readonly guest: number; readonly what: "join" | "leave" };

export const SIM_BACKENDS = ["underlay", "vxlan"] as const;
export type SimBackend = (typeof SIM_BACKENDS)[number];
export type PathCondition = "open" | "blackhole" | "lossy";

export type Action = UserAction | FaultAction | PathAction | CheckpointAction;

/** One line of a script: an action, and the time that passes after it. */
export interface Step {
  readonly action: Action;
  readonly waitMs: number;
}

/** Everything that a run depends on. Steps can be left out: the rest keeps its meaning. */
export interface Script {
  readonly seed: number;
  /** Replicas of the broker over one store. */
  readonly hubs: number;
  readonly members: readonly MemberDraft[];
  readonly steps: readonly Step[];
  /** Present: members take part in connectivity. */
  readonly paths?: PathsDraft;
}

export interface PathsDraft {
  /** Members that have one network in common, so that none of them reaches another as it is. */
  readonly overlapping: readonly number[];
}

export interface MemberDraft {
  readonly clockSkewMs: number;
  readonly namespaces: readonly string[];
  /** Of the cluster's Services; the first is the default. */
  readonly families: readonly IpFamily[];
  /** Of the controllers: more than one elect a leader. */
  readonly replicas: number;
}

export function stepText({ action, waitMs }: Step): string {
  const { kind, ...facts } = action;
  const text = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
  return `${[kind, ...text].join(" ")}; wait ${waitMs} ms`;
}

const FAULTS: ReadonlySet<string> = new Set<FaultAction["kind"]>([
  "kube-faults",
  "cut-watches",
  "broker",
  "link",
  "restart-controllers",
  "cut-off",
  "restart-dns",
]);

export function isFault(action: Action): action is FaultAction {
  return FAULTS.has(action.kind);
}

const PATH_ACTIONS: ReadonlySet<string> = new Set<PathAction["kind"]>([
  "path",
  "responder",
  "pins",
  "guest",
]);

export function isPathAction(action: Action): action is PathAction {
  return PATH_ACTIONS.has(action.kind);
}
