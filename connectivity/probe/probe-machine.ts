import { type LossWindow, lossPercent, withFate } from "./loss-window.ts";
import { type MtuFate, nextPairMs, SAFE_BYTES } from "./mtu-doubt.ts";
import {
  type MtuSearch,
  noteLossOfAll,
  noteMtuFate,
  notePair,
  noteTooLarge,
  startMtuSearch,
  wakeMtuSearch,
} from "./mtu-search.ts";
import type { PathMeasurement, PathState } from "./path-measurement.ts";
import type { ProbeSettings } from "./probe-settings.ts";
import { answerTimeoutMs, type RoundTrip, withSample } from "./round-trip.ts";

/** Everything known about one target. Times are monotonic milliseconds, but for `sinceMs`. */
export interface TargetState {
  readonly state: PathState;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  readonly reason: string;
  readonly trip: RoundTrip | undefined;
  readonly fates: LossWindow;
  /** Answered in a row, and lost in a row: one of the two is zero. */
  readonly answered: number;
  /** When the latest of the answered ones was sent. */
  readonly answeredSentMs: number;
  readonly lost: number;
  /** Refused since the latest answer: when first, and when last. */
  readonly refused: { readonly firstMs: number; readonly lastMs: number } | undefined;
  /** Sent and not yet answered; lost ones stay a while, since a late answer tells the round trip. BOUNDED: by UNANSWERED_MAX. */
  readonly unanswered: readonly Unanswered[];
  readonly mtu: MtuSearch | undefined;
  readonly nextSequence: number;
  readonly nextSendMs: number;
  /** When this state wanted to be woken last. */
  readonly wakeMs: number;
}

interface Unanswered {
  readonly sequence: number;
  readonly sentMs: number;
  readonly dueMs: number;
  /** Of the IP packet, when it was sent for its size. */
  readonly mtuBytes: number | undefined;
  readonly isLost: boolean;
  /** It was waited for a little longer once, because the process stood still. */
  readonly isExtended: boolean;
}

/** `nowMs` is monotonic, `wallMs` epoch milliseconds; `draw` is uniform in [0, 1). */
interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

export type ProbeInput =
  | (Moment & { readonly kind: "time"; readonly draw: number })
  | (Moment & { readonly kind: "reply"; readonly sequence: number })
  /** The address said that nobody listens at that port. */
  | (Moment & { readonly kind: "refused" })
  /** The machine could not send it: no route, or larger than a link takes. */
  | (Moment & {
      readonly kind: "unsent";
      readonly sequence: number;
      readonly isTooLarge: boolean;
      readonly reason: string;
    });

export type ProbeEffect =
  | { readonly kind: "send"; readonly sequence: number; readonly mtuBytes: number | undefined }
  /** Ask whether the address is there and only nobody listens. */
  | { readonly kind: "knock" }
  | { readonly kind: "state-changed"; readonly before: PathState }
  | { readonly kind: "mtu-changed" };

export interface ProbeStep {
  readonly state: TargetState;
  readonly effects: readonly ProbeEffect[];
}

const UNANSWERED_MAX = 64;
/** An answer later than this is nobody's. */
const FORGET_MS = 5_000;
/** A timer that fires later than this: the process stood still, and answers may lie unread. */
const STALL_MS = 30;
const SEQUENCES = 2 ** 32;

export function startTarget(settings: ProbeSettings, { nowMs, wallMs }: Moment): TargetState {
  return {
    state: "unknown",
    sinceMs: wallMs,
    reason: "not measured yet",
    trip: undefined,
    fates: [],
    answered: 0,
    answeredSentMs: Number.NEGATIVE_INFINITY,
    lost: 0,
    refused: undefined,
    unanswered: [],
    mtu: settings.mtu === undefined ? undefined : startMtuSearch(settings.mtu, nowMs),
    nextSequence: 1,
    nextSendMs: nowMs,
    wakeMs: nowMs,
  };
}

/** One input of one target. Pure: time and randomness are inputs. */
export function stepTarget(
  settings: ProbeSettings,
  before: TargetState,
  input: ProbeInput,
): ProbeStep {
  switch (input.kind) {
    case "time":
      return onTime(settings, before, input);
    case "reply":
      return finish(before, onReply(settings, before, input), []);
    case "refused":
      return finish(before, onRefused(before, input), []);
    case "unsent":
      return finish(before, onUnsent(settings, before, input), []);
  }
}

export function measurementOf({
  state,
  sinceMs,
  reason,
  trip,
  fates,
  mtu,
}: TargetState): PathMeasurement {
  return {
    state,
    sinceMs,
    reason,
    rttMs: trip?.smoothedMs,
    lossPercent: lossPercent(fates),
    mtu: mtu?.found,
  };
}

function onTime(
  settings: ProbeSettings,
  before: TargetState,
  input: Extract<ProbeInput, { readonly kind: "time" }>,
): ProbeStep {
  const { nowMs, draw } = input;
  let state = afterStall(before, nowMs);
  for (const probe of state.unanswered) {
    if (!probe.isLost && probe.dueMs <= nowMs) state = onLost(settings, state, probe, input);
  }
  state = {
    ...state,
    unanswered: state.unanswered.filter(({ sentMs }) => nowMs - sentMs < FORGET_MS),
  };
  const effects: ProbeEffect[] = [];
  if (settings.refusal !== undefined && state.lost > before.lost) effects.push({ kind: "knock" });
  state = sendPair(settings, state, nowMs, effects);
  if (nowMs < state.nextSendMs) return finish(before, state, effects);
  state = send(settings, state, { nowMs, mtuBytes: undefined }, effects);
  state = sendForSize(settings, state, nowMs, effects);
  // Never later than the interval, so that its multiples bound how long a dead path is not noticed.
  const nextSendMs = nowMs + settings.intervalMs * (0.8 + 0.2 * draw);
  return finish(before, { ...state, nextSendMs }, effects);
}

/** Time in which the process stood still is not held against the path: answers get a moment to be read, once. */
function afterStall(state: TargetState, nowMs: number): TargetState {
  const lateMs = nowMs - state.wakeMs;
  if (lateMs < STALL_MS) return state;
  return {
    ...state,
    unanswered: state.unanswered.map((probe) =>
      probe.isLost || probe.isExtended || probe.dueMs > nowMs
        ? probe
        : { ...probe, dueMs: nowMs + STALL_MS, isExtended: true },
    ),
  };
}

function send(
  settings: ProbeSettings,
  state: TargetState,
  { nowMs, mtuBytes }: { readonly nowMs: number; readonly mtuBytes: number | undefined },
  effects: ProbeEffect[],
): TargetState {
  const sequence = state.nextSequence;
  const dueMs = nowMs + answerTimeoutMs(state.trip, settings.timeoutMs);
  effects.push({ kind: "send", sequence, mtuBytes });
  const probe: Unanswered = {
    sequence,
    sentMs: nowMs,
    dueMs,
    mtuBytes,
    isLost: false,
    isExtended: false,
  };
  return {
    ...state,
    unanswered: [...state.unanswered.slice(-(UNANSWERED_MAX - 1)), probe],
    nextSequence: (sequence + 1) % SEQUENCES,
  };
}

/** One packet of another size beside the ordinary one, while the path is up and none is under way. */
function sendForSize(
  settings: ProbeSettings,
  state: TargetState,
  nowMs: number,
  effects: ProbeEffect[],
): TargetState {
  if (settings.mtu === undefined || state.mtu === undefined || state.state !== "up") return state;
  if (state.unanswered.some(({ mtuBytes, isLost }) => mtuBytes !== undefined && !isLost))
    return state;
  const mtu = wakeMtuSearch(settings.mtu, state.mtu, nowMs);
  if (mtu.trying === undefined) return state;
  return send(settings, { ...state, mtu }, { nowMs, mtuBytes: mtu.trying.bytes }, effects);
}

/** What fitted and what surely fits, one after the other, while it is in doubt whether the first still does. */
function sendPair(
  settings: ProbeSettings,
  state: TargetState,
  nowMs: number,
  effects: ProbeEffect[],
): TargetState {
  const { mtu } = state;
  if (state.state !== "up" || mtu?.doubt === undefined) return state;
  if ((nextPairMs(mtu.doubt) ?? Number.POSITIVE_INFINITY) > nowMs) return state;
  // The other one first: where both are lost it is known first, and where none is its answer is.
  const sizes = [SAFE_BYTES, mtu.doubt.bytes];
  const sent = sizes.reduce(
    (after, mtuBytes) => send(settings, after, { nowMs, mtuBytes }, effects),
    state,
  );
  return { ...sent, mtu: notePair(mtu, nowMs) };
}

function onLost(
  settings: ProbeSettings,
  state: TargetState,
  probe: Unanswered,
  { nowMs, wallMs }: Moment,
): TargetState {
  const unanswered = state.unanswered.map((other) =>
    other === probe ? { ...probe, isLost: true } : other,
  );
  if (probe.mtuBytes !== undefined) {
    const { mtuBytes: bytes, sentMs } = probe;
    const mtu = sizeFate(settings, state, { bytes, isAnswered: false, sentMs, nowMs });
    return { ...state, unanswered, mtu };
  }
  const fates = withFate(state.fates, false, settings.lossWindow);
  // A later one was answered since: the path was not dead.
  if (probe.sentMs < state.answeredSentMs) return { ...state, unanswered, fates };
  const lost = state.lost + 1;
  const after = { ...state, unanswered, fates, lost, answered: 0 };
  if (lost < settings.downAfter || state.state === "down") return after;
  if (!isRefused(settings, state, nowMs)) {
    return { ...after, state: "down", sinceMs: wallMs, reason: `${lost} probes without an answer` };
  }
  const sinceMs = state.state === "unknown" ? state.sinceMs : wallMs;
  return {
    ...after,
    state: "unknown",
    sinceMs,
    reason: "its address says that nobody answers probes",
  };
}

/** Packets arrive there, as was said lately; that it has been so for long would not be a process that comes back. */
function isRefused({ refusal }: ProbeSettings, { refused }: TargetState, nowMs: number): boolean {
  if (refusal === undefined || refused === undefined) return false;
  return nowMs < refused.lastMs + refusal.goodForMs && nowMs < refused.firstMs + refusal.atMostMs;
}

function onRefused(state: TargetState, { nowMs }: Moment): TargetState {
  // A knock that was on its way while answers came again.
  if (state.lost === 0) return state;
  const firstMs = state.refused?.firstMs ?? nowMs;
  return { ...state, refused: { firstMs, lastMs: nowMs } };
}

function onReply(
  settings: ProbeSettings,
  state: TargetState,
  { sequence, nowMs, wallMs }: Extract<ProbeInput, { readonly kind: "reply" }>,
): TargetState {
  const probe = state.unanswered.find((other) => other.sequence === sequence);
  if (probe === undefined) return state;
  const unanswered = state.unanswered.filter((other) => other !== probe);
  if (probe.mtuBytes !== undefined) {
    const { mtuBytes: bytes, sentMs } = probe;
    const mtu = sizeFate(settings, state, { bytes, isAnswered: true, sentMs, nowMs });
    return { ...state, unanswered, mtu };
  }
  // A clock of whole milliseconds may see no time pass.
  const trip = withSample(state.trip, Math.max(0.01, nowMs - probe.sentMs));
  // Too late to be good for anything but to learn how long the path is.
  if (probe.isLost) return { ...state, unanswered, trip };
  const answered = state.answered + 1;
  const fates = withFate(state.fates, true, settings.lossWindow);
  const answeredSentMs = Math.max(state.answeredSentMs, probe.sentMs);
  const heard = { answered, answeredSentMs, lost: 0, refused: undefined };
  const after = { ...state, unanswered, trip, fates, ...heard };
  if (answered < settings.upAfter || state.state === "up") return after;
  return { ...after, state: "up", sinceMs: wallMs, reason: `${answered} probes answered` };
}

function onUnsent(
  settings: ProbeSettings,
  state: TargetState,
  input: Extract<ProbeInput, { readonly kind: "unsent" }>,
): TargetState {
  const probe = state.unanswered.find((other) => other.sequence === input.sequence);
  if (probe === undefined || probe.isLost) return state;
  if (probe.mtuBytes === undefined || !input.isTooLarge || settings.mtu === undefined) {
    const after = onLost(settings, state, probe, input);
    return after.state === state.state
      ? after
      : { ...after, reason: `probes cannot be sent: ${input.reason}` };
  }
  if (state.mtu === undefined) return state;
  const mtu = noteTooLarge(settings.mtu, state.mtu, { bytes: probe.mtuBytes, nowMs: input.nowMs });
  return { ...state, mtu, unanswered: state.unanswered.filter((other) => other !== probe) };
}

function sizeFate(
  settings: ProbeSettings,
  { mtu, lost }: TargetState,
  fate: MtuFate,
): MtuSearch | undefined {
  if (settings.mtu === undefined || mtu === undefined) return mtu;
  // While small ones are lost too, a large one proves nothing.
  if (!fate.isAnswered && lost > 0) return noteLossOfAll(mtu);
  return noteMtuFate(settings.mtu, mtu, fate);
}

/** Wakes for the next probe, or earlier for the first that may be lost. */
function finish(before: TargetState, state: TargetState, effects: ProbeEffect[]): ProbeStep {
  const dueMs = state.unanswered.flatMap((probe) => (probe.isLost ? [] : [probe.dueMs]));
  const doubt = state.state === "up" ? state.mtu?.doubt : undefined;
  const pairMs = (doubt && nextPairMs(doubt)) ?? Number.POSITIVE_INFINITY;
  const after = { ...state, wakeMs: Math.min(state.nextSendMs, pairMs, ...dueMs) };
  if (before.state !== state.state) effects.push({ kind: "state-changed", before: before.state });
  if (before.mtu?.found !== state.mtu?.found) effects.push({ kind: "mtu-changed" });
  return { state: after, effects };
}
