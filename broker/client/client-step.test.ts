import { describe, expect, test } from "vitest";
import type { SingleMessage } from "../wire/batch.ts";
import {
  CLIENT_TIMING,
  type ClientInput,
  type ClientState,
  clientStep,
  nextTimerMs,
} from "./client-step.ts";

const HEARTBEAT = 5000;
const welcome: Extract<SingleMessage, { $case: "welcome" }> = {
  $case: "welcome",
  value: {
    protocolVersion: 1,
    clusterset: "prod",
    storeEpoch: "e1",
    incarnation: 1,
    sequence: 0,
    heartbeatIntervalMs: HEARTBEAT,
    capabilities: [],
  },
};
const pong: SingleMessage = { $case: "pong", value: { nonce: 1 } };
const synced: SingleMessage = { $case: "synced", value: { generation: 0 } };

/** Runs `[at, input]` in order; effects in short, `kind:detail`. */
function run(...steps: readonly (readonly [number, ClientInput])[]): {
  state: ClientState;
  said: string[];
} {
  let state: ClientState = { kind: "idle" };
  const said: string[] = [];
  for (const [nowMs, input] of steps) {
    const step = clientStep(state, input, {
      nowMs,
      backoffMs: (attempt) => 100 * 2 ** attempt,
      spreadMs: (withinMs) => withinMs / 2,
    });
    state = step.state;
    for (const effect of step.effects) {
      said.push(effect.kind === "apply" ? `apply:${effect.message.$case}` : effect.kind);
    }
  }
  return { state, said };
}

const START = [0, { kind: "start" }] as const;
const TIMER = { kind: "timer" } as const;
const lost = (reason: string): ClientInput => ({ kind: "closed", end: { kind: "lost", reason } });
const message = (value: SingleMessage | undefined): ClientInput => ({
  kind: "message",
  message: value,
});

describe("client step", () => {
  test("opens once, applies Welcome first and the rest after", () => {
    const { said } = run(START, START, [10, message(welcome)], [20, message(synced)]);
    expect(said).toEqual(["open", "apply:welcome", "connection-changed", "apply:synced"]);
  });

  test.each([
    {
      name: "something before Welcome",
      steps: [[5, message(synced)]] as const,
      want: "must say Welcome first: got synced",
    },
    {
      name: "Welcome twice",
      steps: [
        [5, message(welcome)],
        [6, message(welcome)],
      ] as const,
      want: "Welcome once",
    },
    {
      name: "what the tables cannot take",
      steps: [
        [5, message(welcome)],
        [6, { kind: "violated", reason: "nonsense" }],
      ] as const,
      want: "nonsense",
    },
    {
      name: "no Welcome in time",
      steps: [[CLIENT_TIMING.welcomeWithinMs, TIMER]] as const,
      want: "must answer within",
    },
  ])("gives up a broker that says $name", ({ steps, want }) => {
    const { state, said } = run(START, ...steps);
    expect(state).toMatchObject({
      kind: "waiting",
      end: { kind: "lost", reason: expect.stringContaining(want) },
    });
    expect(said.slice(-3)).toEqual(["close", "session-ended", "connection-changed"]);
  });

  test("an unknown message of a newer broker is skipped", () => {
    const { state, said } = run(START, [5, message(welcome)], [7, message(undefined)]);
    expect([state.kind, said.length]).toEqual(["open", 3]);
  });

  test("pings every interval, and gives up after three without a word", () => {
    const silent = run(
      START,
      [0, message(welcome)],
      [5000, TIMER],
      [10_000, TIMER],
      [15_000, TIMER],
    );
    expect(silent.said.slice(3)).toEqual([
      "ping",
      "ping",
      "close",
      "session-ended",
      "connection-changed",
    ]);
    const alive = run(
      START,
      [0, message(welcome)],
      [5000, TIMER],
      [5001, message(pong)],
      [15_000, TIMER],
    );
    expect(alive.state.kind).toBe("open");
  });

  test.each([
    { name: "a broker that asks for none", interval: 0, want: CLIENT_TIMING.heartbeat.minMs },
    {
      name: "a broker that asks for a day",
      interval: 86_400_000,
      want: CLIENT_TIMING.heartbeat.maxMs,
    },
  ])("keeps heartbeats within limits for $name", ({ interval, want }) => {
    const asks = { ...welcome, value: { ...welcome.value, heartbeatIntervalMs: interval } };
    const { state } = run(START, [0, message(asks)]);
    expect(nextTimerMs(state)).toBe(want);
  });

  test("backs off longer each time, and afresh after a stream that lasted", () => {
    const again = [
      [100, TIMER],
      [100, lost("x")],
    ] as const;
    const { state } = run(START, [0, lost("x")], ...again);
    expect(state).toMatchObject({ kind: "waiting", attempt: 2, retryAtMs: 100 + 200 });
    const lasted = run(
      START,
      [0, lost("x")],
      ...again,
      [300, TIMER],
      [300, message(welcome)],
      [20_000, message(pong)],
      [20_001, lost("y")],
    );
    expect(lasted.state).toMatchObject({ kind: "waiting", attempt: 1, retryAtMs: 20_001 + 100 });
    const brief = run(
      START,
      [0, lost("x")],
      ...again,
      [300, TIMER],
      [300, message(welcome)],
      [301, lost("y")],
    );
    expect(brief.state).toMatchObject({ kind: "waiting", attempt: 3, retryAtMs: 301 + 400 });
  });

  const goAway = (withinMs: number): ClientInput =>
    message({ $case: "goAway", value: { withinMs } });

  test.each([
    { name: "the broker asks for it", ask: goAway(4000) },
    { name: "there is a newer certificate", ask: { kind: "reopen", withinMs: 4000 } as const },
  ])("moves to a new stream within the time when $name, without backoff", ({ ask }) => {
    const asked = run(START, [0, message(welcome)], [100, ask]);
    expect([asked.state.kind, nextTimerMs(asked.state)]).toEqual(["open", 2100]);
    const moved = run(START, [0, message(welcome)], [100, ask], [2099, TIMER], [2100, TIMER]);
    expect(moved.said.slice(3)).toEqual(["close", "session-ended", "open", "connection-changed"]);
    expect(moved.state).toMatchObject({ kind: "opening", attempt: 0, end: undefined });
  });

  test("the sooner of two wishes to move counts, and a day is cut to minutes", () => {
    const twice = run(START, [0, message(welcome)], [100, goAway(4000)], [101, goAway(8000)]);
    expect(nextTimerMs(twice.state)).toBe(2100);
    const day = run(START, [0, message(welcome)], [0, goAway(86_400_000)]);
    expect(day.state).toMatchObject({ moveAtMs: CLIENT_TIMING.moveWithinMaxMs / 2 });
  });

  test("without an open stream there is nothing to move", () => {
    const { state, said } = run(START, [1, { kind: "reopen", withinMs: 0 }], [2, TIMER]);
    expect([state.kind, said]).toEqual(["opening", ["open"]]);
  });

  test("a rejection is tried again rarely: an admin may repair it", () => {
    const { state } = run(START, [
      0,
      { kind: "closed", end: { kind: "rejected", reason: "over" } },
    ]);
    expect(nextTimerMs(state)).toBe(CLIENT_TIMING.rejectedRetryMs);
  });

  test("a protocol that we do not speak is a rejection", () => {
    const { state } = run(START, [
      0,
      message({ ...welcome, value: { ...welcome.value, protocolVersion: 2 } }),
    ]);
    expect(state).toMatchObject({
      kind: "waiting",
      end: { kind: "rejected", reason: expect.stringContaining("broker chose 2") },
    });
  });

  test("after stop nothing happens any more", () => {
    const { state, said } = run(
      START,
      [1, { kind: "stop" }],
      [2, START[1]],
      [3, message(welcome)],
      [4, lost("x")],
      [5, TIMER],
    );
    expect([state.kind, said]).toEqual(["stopped", ["open", "close", "session-ended"]]);
    expect(nextTimerMs(state)).toBeUndefined();
  });
});
