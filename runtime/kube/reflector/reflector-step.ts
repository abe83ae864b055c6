import { invariant } from "../../../api/invariant.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { backoffMs } from "../../backoff/backoff.ts";
import type { Random } from "../../random/random.ts";
import type { ListPage, WatchEvent } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";

/** Decides how to keep a picture of a collection equal to the server's: list, watch, resume, relist, wait. */
export interface ReflectorState<T> {
  readonly phase: Phase<T>;
  /** Where the next watch goes on; absent: a full list comes first. */
  readonly resourceVersion?: string;
  /** One full list has been taken in. */
  readonly synced: boolean;
  /** In a row; a watch that lasted ends the row. */
  readonly failures: number;
  /** Why the last request failed; absent once one has worked. */
  readonly error?: KubeError;
}

type Phase<T> =
  | { readonly kind: "idle" }
  /** `items` of the pages so far, with the version of the first page: replaying from there misses nothing. */
  | { readonly kind: "listing"; readonly items: readonly T[]; readonly resourceVersion?: string }
  /** `heard`: an event or bookmark has come. */
  | { readonly kind: "watching"; readonly heard: boolean }
  | { readonly kind: "waiting" };

export type ReflectorInput<T> =
  | { readonly kind: "started" }
  | { readonly kind: "page"; readonly page: ListPage<T> }
  | { readonly kind: "list-failed"; readonly error: KubeError }
  | { readonly kind: "event"; readonly event: WatchEvent<T> }
  /** Without error: a clean end. */
  | { readonly kind: "watch-ended"; readonly lastedMs: number; readonly error?: KubeError }
  | { readonly kind: "waited" };

/** Changes of the local store. */
export type StoreEffect<T> =
  | { readonly kind: "replace"; readonly items: readonly T[] }
  | { readonly kind: "put"; readonly object: T }
  | { readonly kind: "remove"; readonly object: T }
  | { readonly kind: "mark-synced" };

/** What the shell does next; its outcome is the next input. */
export type NextEffect =
  | { readonly kind: "list"; readonly continueToken?: string }
  | { readonly kind: "watch"; readonly resourceVersion: string; readonly timeoutSeconds: number }
  | { readonly kind: "wait"; readonly delayMs: number };

export interface ReflectorStep<T> {
  readonly state: ReflectorState<T>;
  /** Happen at once, in order, before `next`. */
  readonly effects: readonly StoreEffect<T>[];
  /** Absent after an event: the watch goes on. */
  readonly next?: NextEffect;
}

const RETRY = { firstMs: 250, maxMs: 30_000 };
/** A missing CRD is somebody's next step, not an outage: asked for at a steady, slow pace. */
const MISSING_RESOURCE = { firstMs: 5_000, maxMs: 5_000 };
/** A watch that ended sooner was no success: asking again at once would be a busy loop. */
const LASTING_WATCH_MS = 1_000;
/** After so many failed watches in a row the version itself is suspect (e.g. a restored etcd): list again. */
const WATCH_ATTEMPTS = 3;
/** Watches end by themselves after this time, drawn so that a crowd spreads out (as client-go does). */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_MAX = 600;

export function initialReflectorState<T>(): ReflectorState<T> {
  return { phase: { kind: "idle" }, synced: false, failures: 0 };
}

export function reflectorStep<T extends KubeObject>(
  state: ReflectorState<T>,
  input: ReflectorInput<T>,
  random: Random,
): ReflectorStep<T> {
  switch (input.kind) {
    case "started":
    case "waited":
      return connect(state, random);
    case "page":
      return takePage(state, input.page, random);
    case "list-failed":
      // The pages so far are dropped: what a broken paging has seen may be torn.
      return retryLater(state, input.error, random);
    case "event":
      return takeEvent(state, input.event);
    case "watch-ended":
      return takeWatchEnd(state, input, random);
  }
}

function connect<T>(state: ReflectorState<T>, random: Random): ReflectorStep<T> {
  const { resourceVersion } = state;
  if (resourceVersion === undefined) {
    return {
      state: { ...state, phase: { kind: "listing", items: [] } },
      effects: [],
      next: { kind: "list" },
    };
  }
  const spread = WATCH_SECONDS_MAX - WATCH_SECONDS_MIN;
  const timeoutSeconds = WATCH_SECONDS_MIN + Math.floor(spread * random.next());
  return {
    state: { ...state, phase: { kind: "watching", heard: false } },
    effects: [],
    next: { kind: "watch", resourceVersion, timeoutSeconds },
  };
}

function takePage<T extends KubeObject>(
  state: ReflectorState<T>,
  page: ListPage<T>,
  random: Random,
): ReflectorStep<T> {
  invariant(state.phase.kind === "listing", "a page comes while listing", { phase: state.phase });
  const items = [...state.phase.items, ...page.items];
  const resourceVersion = state.phase.resourceVersion ?? page.resourceVersion;
  if (page.continueToken !== undefined) {
    return {
      state: { ...state, phase: { kind: "listing", items, resourceVersion } },
      effects: [],
      next: { kind: "list", continueToken: page.continueToken },
    };
  }
  const { error: _, ...rest } = state;
  const next = connect<T>({ ...rest, resourceVersion, synced: true }, random);
  const effects: StoreEffect<T>[] = [{ kind: "replace", items }];
  if (!state.synced) effects.push({ kind: "mark-synced" });
  return { ...next, effects };
}

function takeEvent<T extends KubeObject>(
  state: ReflectorState<T>,
  event: WatchEvent<T>,
): ReflectorStep<T> {
  invariant(state.phase.kind === "watching", "an event comes while watching", {
    phase: state.phase,
  });
  // An event or bookmark proves that the watch works.
  const { error: _, ...known } = state;
  const rest: ReflectorState<T> = { ...known, phase: { kind: "watching", heard: true } };
  if (event.kind === "bookmark") {
    return { state: { ...rest, resourceVersion: event.resourceVersion }, effects: [] };
  }
  const { resourceVersion } = event.object.metadata;
  const effect: StoreEffect<T> =
    event.kind === "deleted"
      ? { kind: "remove", object: event.object }
      : { kind: "put", object: event.object };
  return {
    state: { ...rest, ...(resourceVersion !== undefined && { resourceVersion }) },
    effects: [effect],
  };
}

function takeWatchEnd<T extends KubeObject>(
  state: ReflectorState<T>,
  end: { readonly lastedMs: number; readonly error?: KubeError },
  random: Random,
): ReflectorStep<T> {
  const lasted = end.lastedMs >= LASTING_WATCH_MS;
  const counted = lasted ? { ...state, failures: 0 } : state;
  if (end.error?.kind === "gone") {
    return lasted
      ? connect(withoutVersion(counted), random)
      : retryLater(withoutVersion(counted), end.error, random);
  }
  const silent = end.lastedMs >= WATCH_SECONDS_MIN * 1_000 && !heard(state.phase);
  if (end.error === undefined && lasted) {
    const { error: _, ...healthy } = counted;
    return connect(silent ? withoutVersion(healthy) : healthy, random);
  }
  const error = end.error ?? { kind: "unavailable", message: "watch ended at once" };
  const suspect =
    silent ||
    counted.failures + 1 >= WATCH_ATTEMPTS ||
    error.kind === "no-such-resource" ||
    (!lasted && isUnanswered(error));
  return retryLater(suspect ? withoutVersion(counted) : counted, error, random);
}

/**
 * A server that tells nothing for minutes, not even a bookmark (they come about once a minute), may be waiting for a
 * version that it has yet to reach: it was restored, or is another one under the same address.
 */
function heard<T>(phase: Phase<T>): boolean {
  return phase.kind === "watching" && phase.heard;
}

/** Nobody was there: who answers next may be another life of the server, to which our version means nothing. */
function isUnanswered(error: KubeError): boolean {
  return error.kind === "unavailable" && error.status === undefined;
}

function withoutVersion<T>(state: ReflectorState<T>): ReflectorState<T> {
  const { resourceVersion: _, ...rest } = state;
  return rest;
}

function retryLater<T>(
  state: ReflectorState<T>,
  error: KubeError,
  random: Random,
): ReflectorStep<T> {
  const pace = error.kind === "no-such-resource" ? MISSING_RESOURCE : RETRY;
  const asked = Math.min(error.retryAfterMs ?? 0, RETRY.maxMs);
  const delayMs = Math.max(asked, backoffMs(pace, state.failures, random));
  return {
    state: { ...state, phase: { kind: "waiting" }, failures: state.failures + 1, error },
    effects: [],
    next: { kind: "wait", delayMs },
  };
}
