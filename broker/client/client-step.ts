import { assertNever } from "../../api/invariant.ts";
import type { SingleMessage } from "../wire/batch.ts";
import type { StreamEnd } from "./sync-transport.ts";

/** Protocol versions this member speaks, best first. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];

/** Limits of waiting, milliseconds. */
export const CLIENT_TIMING = {
  /** From opening a stream to Welcome: connecting, TLS and the broker's settling. */
  welcomeWithinMs: 15_000,
  /** A stream that lives this long was no failure: the next one starts without backoff. */
  stableAfterMs: 10_000,
  /** Between tries while the broker rejects this member: an admin may repair it. */
  rejectedRetryMs: 60_000,
  backoff: { firstMs: 250, maxMs: 15_000 },
  /** A broker that stops asks for less; more would leave a stream with an old certificate for too long. */
  moveWithinMaxMs: 600_000,
  heartbeat: { minMs: 500, maxMs: 60_000 },
  /** Heartbeats without a word after which the broker is taken for gone. */
  silentIntervals: 3,
} as const;

type Broker = SingleMessage;

/** Where the connection stands. Times are monotonic milliseconds. */
export type ClientState =
  | { readonly kind: "idle" }
  | {
      readonly kind: "waiting";
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly end: StreamEnd;
    }
  | {
      readonly kind: "opening";
      readonly attempt: number;
      readonly giveUpAtMs: number;
      readonly end: StreamEnd | undefined;
    }
  | {
      readonly kind: "open";
      readonly attempt: number;
      readonly openedAtMs: number;
      readonly heartbeatMs: number;
      readonly heardAtMs: number;
      readonly pingAtMs: number;
      readonly nonce: number;
      /** When to move to a stream of its own accord; undefined: not. */
      readonly moveAtMs: number | undefined;
    }
  | { readonly kind: "stopped" };

export type ClientInput =
  | { readonly kind: "start" }
  | { readonly kind: "message"; readonly message: Broker | undefined }
  | { readonly kind: "closed"; readonly end: StreamEnd }
  /** What the broker said makes no sense. */
  | { readonly kind: "violated"; readonly reason: string }
  | { readonly kind: "timer" }
  /** A new stream is wanted, at any moment within this time: there is a newer certificate. */
  | { readonly kind: "reopen"; readonly withinMs: number }
  | { readonly kind: "stop" };

export interface ClientMoment {
  readonly nowMs: number;
  /** Delay before attempt n, jitter included. */
  readonly backoffMs: (attempt: number) => number;
  /** A moment drawn from [0, withinMs), so that a crowd spreads out. */
  readonly spreadMs: (withinMs: number) => number;
}

export type ClientEffect =
  /** Open a stream and say Hello. */
  | { readonly kind: "open" }
  | { readonly kind: "close" }
  | { readonly kind: "ping"; readonly nonce: number }
  /** The tables are to take this in. */
  | { readonly kind: "apply"; readonly message: Broker }
  /** The stream is gone: what was on its way is unknown. */
  | { readonly kind: "session-ended" }
  | { readonly kind: "connection-changed" };

export interface ClientStep {
  readonly state: ClientState;
  readonly effects: readonly ClientEffect[];
}

/** Decides when to connect, when to give a stream up, and what of the broker's words reaches the tables. */
export function clientStep(
  state: ClientState,
  input: ClientInput,
  moment: ClientMoment,
): ClientStep {
  if (state.kind === "stopped") return { state, effects: [] };
  switch (input.kind) {
    case "start":
      return state.kind === "idle" ? open(0, undefined, moment) : { state, effects: [] };
    case "message":
      return receive(state, input.message, moment);
    case "closed":
      return fail(state, input.end, moment, []);
    case "violated":
      return fail(state, { kind: "lost", reason: input.reason }, moment, [{ kind: "close" }]);
    case "timer":
      return onTimer(state, moment);
    case "reopen":
      return { state: moveWithin(state, input.withinMs, moment), effects: [] };
    case "stop":
      return stop(state);
    default:
      return assertNever(input);
  }
}

/** When `timer` is due next; undefined: never. */
export function nextTimerMs(state: ClientState): number | undefined {
  switch (state.kind) {
    case "waiting":
      return state.retryAtMs;
    case "opening":
      return state.giveUpAtMs;
    case "open":
      return Math.min(
        state.pingAtMs,
        silentAtMs(state),
        state.moveAtMs ?? Number.POSITIVE_INFINITY,
      );
    case "idle":
    case "stopped":
      return undefined;
    default:
      return assertNever(state);
  }
}

function open(attempt: number, end: StreamEnd | undefined, { nowMs }: ClientMoment): ClientStep {
  const giveUpAtMs = nowMs + CLIENT_TIMING.welcomeWithinMs;
  return { state: { kind: "opening", attempt, giveUpAtMs, end }, effects: [{ kind: "open" }] };
}

function receive(
  state: ClientState,
  message: Broker | undefined,
  moment: ClientMoment,
): ClientStep {
  if (state.kind !== "opening" && state.kind !== "open") return { state, effects: [] };
  const violated = (reason: string): ClientStep =>
    fail(state, { kind: "lost", reason }, moment, [{ kind: "close" }]);
  // A newer broker may say more than we know: what an older member need not understand is skipped.
  if (message === undefined) return { state: heard(state, moment), effects: [] };
  if (state.kind === "opening") {
    if (message.$case !== "welcome") {
      return violated(`broker must say Welcome first: got ${message.$case}`);
    }
    return welcome(state.attempt, message, moment);
  }
  if (message.$case === "welcome") return violated("broker must say Welcome once: got another");
  if (message.$case === "pong") return { state: heard(state, moment), effects: [] };
  if (message.$case === "goAway") {
    const { withinMs } = message.value;
    return { state: moveWithin(heard(state, moment), withinMs, moment), effects: [] };
  }
  return { state: heard(state, moment), effects: [{ kind: "apply", message }] };
}

function welcome(
  attempt: number,
  message: Extract<Broker, { $case: "welcome" }>,
  moment: ClientMoment,
): ClientStep {
  const { nowMs } = moment;
  const { protocolVersion, heartbeatIntervalMs } = message.value;
  const { minMs, maxMs } = CLIENT_TIMING.heartbeat;
  const heartbeatMs = Math.min(maxMs, Math.max(minMs, heartbeatIntervalMs));
  const state: ClientState = {
    kind: "open",
    attempt,
    openedAtMs: nowMs,
    heartbeatMs,
    heardAtMs: nowMs,
    pingAtMs: nowMs + heartbeatMs,
    nonce: 1,
    moveAtMs: undefined,
  };
  if (!PROTOCOL_VERSIONS.includes(protocolVersion)) {
    const spoken = PROTOCOL_VERSIONS.join(", ");
    const reason = `protocol version must be one of ${spoken}: broker chose ${protocolVersion}`;
    return fail(state, { kind: "rejected", reason }, moment, [{ kind: "close" }]);
  }
  return { state, effects: [{ kind: "apply", message }, { kind: "connection-changed" }] };
}

/** The sooner of two wishes counts. A stream that is not open yet is new anyway. */
function moveWithin(state: ClientState, withinMs: number, moment: ClientMoment): ClientState {
  if (state.kind !== "open") return state;
  const moveAtMs =
    moment.nowMs + moment.spreadMs(Math.min(withinMs, CLIENT_TIMING.moveWithinMaxMs));
  return { ...state, moveAtMs: Math.min(moveAtMs, state.moveAtMs ?? moveAtMs) };
}

/** A new stream takes the place of the open one at once: what both sides know makes it a matter of differences. */
function move(moment: ClientMoment): ClientStep {
  const { state, effects } = open(0, undefined, moment);
  const ending: ClientEffect[] = [{ kind: "close" }, { kind: "session-ended" }];
  return { state, effects: [...ending, ...effects, { kind: "connection-changed" }] };
}

function heard(state: ClientState, { nowMs }: ClientMoment): ClientState {
  return state.kind === "open" ? { ...state, heardAtMs: nowMs } : state;
}

function silentAtMs(state: Extract<ClientState, { kind: "open" }>): number {
  return state.heardAtMs + CLIENT_TIMING.silentIntervals * state.heartbeatMs;
}

function onTimer(state: ClientState, moment: ClientMoment): ClientStep {
  const { nowMs } = moment;
  if (state.kind === "waiting" && nowMs >= state.retryAtMs) {
    return open(state.attempt, state.end, moment);
  }
  if (state.kind === "opening" && nowMs >= state.giveUpAtMs) {
    const reason = `broker must answer within ${CLIENT_TIMING.welcomeWithinMs} ms: it did not`;
    return fail(state, { kind: "lost", reason }, moment, [{ kind: "close" }]);
  }
  if (state.kind !== "open") return { state, effects: [] };
  if (state.moveAtMs !== undefined && nowMs >= state.moveAtMs) return move(moment);
  if (nowMs >= silentAtMs(state)) {
    const silentMs = Math.round(nowMs - state.heardAtMs);
    const reason = `broker must answer heartbeats: silent for ${silentMs} ms`;
    return fail(state, { kind: "lost", reason }, moment, [{ kind: "close" }]);
  }
  if (nowMs < state.pingAtMs) return { state, effects: [] };
  const next = { ...state, pingAtMs: nowMs + state.heartbeatMs, nonce: state.nonce + 1 };
  return { state: next, effects: [{ kind: "ping", nonce: state.nonce }] };
}

function fail(
  state: ClientState,
  end: StreamEnd,
  moment: ClientMoment,
  effects: readonly ClientEffect[],
): ClientStep {
  if (state.kind !== "opening" && state.kind !== "open") return { state, effects: [] };
  const { nowMs, backoffMs } = moment;
  const wasStable =
    state.kind === "open" && nowMs - state.openedAtMs >= CLIENT_TIMING.stableAfterMs;
  const attempt = wasStable ? 0 : state.attempt;
  const delayMs = end.kind === "rejected" ? CLIENT_TIMING.rejectedRetryMs : backoffMs(attempt);
  return {
    state: { kind: "waiting", attempt: attempt + 1, retryAtMs: nowMs + delayMs, end },
    effects: [...effects, { kind: "session-ended" }, { kind: "connection-changed" }],
  };
}

function stop(state: ClientState): ClientStep {
  const isStreaming = state.kind === "opening" || state.kind === "open";
  const effects: ClientEffect[] = isStreaming ? [{ kind: "close" }, { kind: "session-ended" }] : [];
  return { state: { kind: "stopped" }, effects };
}
