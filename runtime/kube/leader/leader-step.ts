import type { Lease } from "../../../api/kube/lease.ts";
import type { KubeError } from "../kube-error.ts";

/**
 * Decides who leads by a Lease, with client-go's rules. Clocks of candidates are never compared: a candidate takes
 * over only after it has itself seen the lease unchanged for its whole duration. `nowMs` is local, monotonic time.
 */
export interface LeaderTimes {
  /** How long others must see the lease unchanged before they take it. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for this long stops leading; less than `leaseDurationMs`. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

export interface LeaderState {
  /** The lease as last seen, and when it was first seen like that. */
  readonly observed?: { readonly lease: Lease; readonly sinceMs: number };
  /** Set while leading: when the request that last renewed the lease was sent. */
  readonly renewedMs?: number;
  /** Somebody else wrote since: `observed` is not what the server has. */
  readonly stale?: true;
}

export type LeaderInput =
  /** Time for the next attempt. */
  | { readonly kind: "tick"; readonly nowMs: number }
  /** The lease was read; absent when there is none. */
  | { readonly kind: "read"; readonly lease?: Lease; readonly nowMs: number }
  /** Our write, sent at `sentMs`, was taken. */
  | {
      readonly kind: "written";
      readonly lease: Lease;
      readonly sentMs: number;
      readonly nowMs: number;
    }
  | { readonly kind: "failed"; readonly error: KubeError; readonly nowMs: number }
  | { readonly kind: "stop"; readonly nowMs: number };

export type LeaderEffect =
  | { readonly kind: "read" }
  | { readonly kind: "create"; readonly spec: LeaseSpec }
  /** Replaces this very version: another writer's change is a conflict. */
  | { readonly kind: "update"; readonly lease: Lease; readonly spec: LeaseSpec }
  /** Until the next tick. */
  | { readonly kind: "wait" }
  | { readonly kind: "none" };

/** What to write; the shell adds the wall-clock stamps, which only humans read. */
export interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly leaseTransitions: number;
  /** A new term, so acquireTime is now. */
  readonly acquired: boolean;
}

export interface LeaderStep {
  readonly state: LeaderState;
  readonly effect: LeaderEffect;
}

/** True while nobody else can hold the lease: this ends by time alone, whatever the API server does. */
export function isLeading(state: LeaderState, times: LeaderTimes, nowMs: number): boolean {
  return state.renewedMs !== undefined && nowMs - state.renewedMs < times.renewDeadlineMs;
}

export function leaderStep(
  state: LeaderState,
  input: LeaderInput,
  identity: string,
  times: LeaderTimes,
): LeaderStep {
  const current = isLeading(state, times, input.nowMs) ? state : withoutTerm(state);
  switch (input.kind) {
    case "tick":
      // A leader renews what it wrote last without reading; if somebody else wrote, that is a conflict.
      return current.renewedMs !== undefined && current.observed !== undefined && !current.stale
        ? { state: current, effect: write(current.observed.lease, identity, times) }
        : { state: current, effect: { kind: "read" } };
    case "read":
      return takeLease(current, input.lease, input.nowMs, { identity, times });
    case "written":
      return {
        state: {
          observed: { lease: input.lease, sinceMs: input.nowMs },
          renewedMs: input.sentMs,
        },
        effect: { kind: "wait" },
      };
    case "failed":
      // After a lost race the next tick looks who holds it now; at once would be a busy loop on a confused server.
      return {
        state: isLostRace(input.error) ? { ...current, stale: true } : current,
        effect: { kind: "wait" },
      };
    case "stop":
      return release(current, identity);
  }
}

function takeLease(
  state: LeaderState,
  lease: Lease | undefined,
  nowMs: number,
  { identity, times }: { readonly identity: string; readonly times: LeaderTimes },
): LeaderStep {
  if (lease === undefined) {
    const spec = specOf(undefined, identity, times);
    return { state: {}, effect: { kind: "create", spec } };
  }
  const before = state.observed;
  const unchanged =
    before !== undefined &&
    before.lease.metadata.uid === lease.metadata.uid &&
    before.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
  const observed = { lease, sinceMs: unchanged ? before.sinceMs : nowMs };
  const holder = lease.spec?.holderIdentity ?? "";
  if (holder === identity) {
    const { stale: _, ...known } = state;
    return { state: { ...known, observed }, effect: write(lease, identity, times) };
  }
  const follower: LeaderState = { observed };
  const heldMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000;
  if (holder !== "" && nowMs - observed.sinceMs < heldMs) {
    return { state: follower, effect: { kind: "wait" } };
  }
  return { state: follower, effect: write(lease, identity, times) };
}

/** An empty holder with the shortest duration: the next candidate need not wait. */
function release(state: LeaderState, identity: string): LeaderStep {
  const { observed, renewedMs, stale } = state;
  if (renewedMs === undefined || stale || observed?.lease.spec?.holderIdentity !== identity) {
    return { state: withoutTerm(state), effect: { kind: "none" } };
  }
  const spec: LeaseSpec = {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    leaseTransitions: observed.lease.spec.leaseTransitions ?? 0,
    acquired: false,
  };
  return { state: withoutTerm(state), effect: { kind: "update", lease: observed.lease, spec } };
}

function write(lease: Lease, identity: string, times: LeaderTimes): LeaderEffect {
  return { kind: "update", lease, spec: specOf(lease, identity, times) };
}

function specOf(lease: Lease | undefined, identity: string, times: LeaderTimes): LeaseSpec {
  const acquired = lease?.spec?.holderIdentity !== identity;
  const transitions = lease?.spec?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(times.leaseDurationMs / 1_000),
    leaseTransitions: acquired && lease !== undefined ? transitions + 1 : transitions,
    acquired,
  };
}

function isLostRace(error: KubeError): boolean {
  return error.kind === "conflict" || error.kind === "already-exists" || error.kind === "not-found";
}

function withoutTerm(state: LeaderState): LeaderState {
  const { renewedMs: _, ...rest } = state;
  return rest;
}
