import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { ConnectionGate, type GateOptions } from "./connection-gate.ts";

const HOST = "127.0.0.1";
const [a, b] = [testCluster("a"), testCluster("b")];

/** A visitor's end, and what the broker calls it. */
interface Caller {
  readonly socket: Socket;
  readonly peer: string;
  readonly closed: Promise<unknown>;
}

class World implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly cut: string[] = [];
  readonly accepted: Socket[] = [];
  readonly gate: ConnectionGate;
  readonly #callers: Caller[] = [];
  port = 0;

  constructor(options: Partial<GateOptions> = {}) {
    const counter = {
      add: (_: number, labels?: { reason?: string }) => this.#note(labels?.reason),
      remove: () => undefined,
    };
    this.gate = new ConnectionGate(
      { listen: { host: HOST, port: 0 }, ...options },
      {
        clock: this.clock,
        log: silentLogger,
        meter: { ...silentMeter, counter: () => counter },
        accept: (socket) => {
          // Read, or the end of the other side goes unnoticed.
          socket.resume();
          this.accepted.push(socket);
        },
      },
    );
  }

  async listen(): Promise<this> {
    const bound = await this.gate.listen();
    if (!bound.ok) throw new Error(bound.error);
    this.port = bound.value;
    return this;
  }

  /** Resolves once the gate has seen the connection, whether it let it in or not. */
  async call(): Promise<Caller> {
    const seen = this.accepted.length;
    const cut = this.cut.length;
    const socket = connect(this.port, HOST);
    socket.on("error", () => undefined);
    socket.resume();
    const closed = once(socket, "close");
    await once(socket, "connect");
    const caller = { socket, peer: `${HOST}:${socket.localPort}`, closed };
    this.#callers.push(caller);
    while (this.accepted.length === seen && this.cut.length === cut) await turn();
    return caller;
  }

  #note(reason = ""): void {
    this.cut.push(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.shut();
    this.gate.clear();
    await Promise.all(this.#callers.map(({ closed }) => closed));
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let world: World;
afterEach(() => world[Symbol.asyncDispose]());

describe("strangers", () => {
  test("are cut when nobody has vouched for them in time; members stay", async () => {
    world = await new World({ unprovenMs: 1000 }).listen();
    const [stranger, member] = [await world.call(), await world.call()];
    world.gate.vouch(member.peer, a);
    await world.clock.advance(1000);
    await stranger.closed;
    expect([world.cut, member.socket.closed]).toEqual([["unproven"], false]);
  });

  test("give way to newer ones, the oldest first, so that a flood cannot keep members out", async () => {
    world = await new World({ unprovenMax: 2 }).listen();
    const callers = [await world.call(), await world.call(), await world.call()];
    await callers[0]?.closed;
    expect(callers.map(({ socket }) => socket.closed)).toEqual([true, false, false]);
    expect(world.cut).toEqual(["unproven"]);
  });

  test("are turned away when every place is taken; a place that is left is free again", async () => {
    world = await new World({ connectionsMax: 1 }).listen();
    const first = await world.call();
    const second = await world.call();
    await second.closed;
    expect(world.cut).toEqual(["full"]);
    first.socket.destroy();
    while (world.accepted[0]?.closed === false) await turn();
    const third = await world.call();
    expect([world.accepted.length, third.socket.closed]).toEqual([2, false]);
  });
});

describe("members", () => {
  test("have so many connections each, the newest ones", async () => {
    world = await new World({ perMemberMax: 2 }).listen();
    const ofA = [await world.call(), await world.call(), await world.call()];
    const ofB = await world.call();
    for (const { peer } of ofA) world.gate.vouch(peer, a);
    world.gate.vouch(ofB.peer, b);
    await ofA[0]?.closed;
    expect([...ofA, ofB].map(({ socket }) => socket.closed)).toEqual([true, false, false, false]);
    expect(world.cut).toEqual(["crowded"]);
  });

  test("vouched for twice, as for a second stream, count once; one that left does not count", async () => {
    world = await new World({ perMemberMax: 1 }).listen();
    const first = await world.call();
    world.gate.vouch(first.peer, a);
    world.gate.vouch(first.peer, a);
    first.socket.destroy();
    while (world.accepted[0]?.closed === false) await turn();
    const second = await world.call();
    world.gate.vouch(second.peer, a);
    expect(world.cut).toEqual([]);
    world.gate.vouch((await world.call()).peer, a);
    await second.closed;
    expect(world.cut).toEqual(["crowded"]);
  });
});

test("cuts a connection on demand, once", async () => {
  world = await new World().listen();
  const caller = await world.call();
  world.gate.cut(caller.peer, "unread");
  world.gate.cut(caller.peer, "unread");
  world.gate.vouch(caller.peer, a);
  await caller.closed;
  expect(world.cut).toEqual(["unread"]);
});

test("shut, it keeps those inside until it is cleared, and holds no timers", async () => {
  world = await new World().listen();
  const caller = await world.call();
  world.gate.shut();
  const late = connect(world.port, HOST);
  const [error] = await once(late, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  expect(caller.socket.closed).toBe(false);
  world.gate.clear();
  await caller.closed;
  expect(world.clock.nextTimerMs()).toBeUndefined();
});

test("an address in use is an error that names it", async () => {
  world = await new World().listen();
  const second = new World({ listen: { host: HOST, port: world.port } });
  expect(await second.gate.listen()).toEqual({
    ok: false,
    error: `cannot listen on ${HOST}:${world.port}: address in use by another process`,
  });
});
