import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { DEFAULT_PROBE_SETTINGS, DEFAULT_REFUSAL_SETTINGS } from "./probe-settings.ts";
import { Prober } from "./prober.ts";
import { UdpProbeSocket } from "./udp-probe-socket.ts";
import { UdpResponder } from "./udp-responder.ts";

const EAST = clusterId("east");
const log = silentLogger;
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function startResponder(host: string, port = 0): Promise<{ port: number; stop: () => void }> {
  const responder = new UdpResponder({ cluster: EAST, listen: { host, port } }, { log });
  const started = await responder.start();
  if (!started.ok) throw new Error(started.error);
  const stop = (): void => responder.stop();
  stops.push(stop);
  return { port: started.value, stop };
}

function startProber(settings = DEFAULT_PROBE_SETTINGS): Prober {
  const stopping = new AbortController();
  stops.push(() => stopping.abort());
  let nonce = 1n;
  return new Prober(
    settings,
    {
      clock: systemClock,
      random: systemRandom,
      drawNonce: () => nonce++,
      openSocket: (onPacket) => new UdpProbeSocket(onPacket, { clock: systemClock, log }),
    },
    stopping.signal,
  );
}

/** Until the target is in the state: the test's own deadline ends it otherwise. */
async function untilState(prober: Prober, key: string, state: string): Promise<void> {
  while (prober.measurement(key)?.state !== state) {
    await new Promise<void>((resolve) => {
      const unsubscribe = prober.subscribe(() => {
        unsubscribe();
        resolve();
      });
    });
  }
}

describe("probes over real sockets", () => {
  test.each(["127.0.0.1", "::1"])(
    "%s: up while somebody answers, down when not, up again",
    async (address) => {
      const prober = startProber();
      const first = await startResponder(address);
      prober.setTargets([{ key: "k", cluster: EAST, address, port: first.port }]);
      await untilState(prober, "k", "up");
      expect(prober.measurement("k")?.rttMs).toBeGreaterThan(0);
      first.stop();
      await untilState(prober, "k", "down");
      await startResponder(address, first.port);
      await untilState(prober, "k", "up");
    },
  );

  test.each(["127.0.0.1", "::1"])(
    "%s: nobody listens and the machine says so: not down; a machine that says nothing is",
    async (address) => {
      const prober = startProber({ ...DEFAULT_PROBE_SETTINGS, refusal: DEFAULT_REFUSAL_SETTINGS });
      const seen: string[] = [];
      prober.subscribe((key) => seen.push(prober.measurement(key)?.state ?? ""));
      const first = await startResponder(address);
      prober.setTargets([{ key: "k", cluster: EAST, address, port: first.port }]);
      await untilState(prober, "k", "up");
      first.stop();
      await untilState(prober, "k", "unknown");
      await startResponder(address, first.port);
      await untilState(prober, "k", "up");
      expect(seen).toEqual(["up", "unknown", "up"]);
    },
  );

  test("a port at which nothing is read is silent: down", async () => {
    const prober = startProber({ ...DEFAULT_PROBE_SETTINGS, refusal: DEFAULT_REFUSAL_SETTINGS });
    const dumb = createSocket("udp4");
    stops.push(() => dumb.close());
    dumb.bind(0, "127.0.0.1");
    await once(dumb, "listening");
    const { port } = dumb.address();
    prober.setTargets([{ key: "k", cluster: EAST, address: "127.0.0.1", port }]);
    await untilState(prober, "k", "down");
  });

  test("who answers for another cluster is not the target", async () => {
    const prober = startProber();
    const { port } = await startResponder("127.0.0.1");
    prober.setTargets([{ key: "k", cluster: clusterId("west"), address: "127.0.0.1", port }]);
    await untilState(prober, "k", "down");
  });

  test("targets that are gone are asked no more; one that stays keeps what is known", async () => {
    const prober = startProber();
    const { port } = await startResponder("127.0.0.1");
    const stays = { key: "stays", cluster: EAST, address: "127.0.0.1", port };
    prober.setTargets([stays, { ...stays, key: "goes" }]);
    await untilState(prober, "stays", "up");
    prober.setTargets([{ ...stays }]);
    expect(prober.measurement("stays")?.state).toBe("up");
    expect(prober.measurement("goes")).toBeUndefined();
  });

  test("a responder survives rubbish and says nothing to it", async () => {
    const { port } = await startResponder("127.0.0.1");
    const stranger = createSocket("udp4");
    stops.push(() => stranger.close());
    let answers = 0;
    stranger.on("message", () => (answers += 1));
    stranger.bind(0, "127.0.0.1");
    await once(stranger, "listening");
    for (let n = 0; n < 100; n += 1) stranger.send(Buffer.alloc(n * 10, n), port, "127.0.0.1");
    await sleep(50);
    expect(answers).toBe(0);
    const prober = startProber();
    prober.setTargets([{ key: "k", cluster: EAST, address: "127.0.0.1", port }]);
    await untilState(prober, "k", "up");
  });

  test("a port that is taken is an error that says so", async () => {
    const { port } = await startResponder("127.0.0.1");
    const second = new UdpResponder(
      { cluster: EAST, listen: { host: "127.0.0.1", port } },
      { log },
    );
    expect(await second.start()).toEqual({
      ok: false,
      error: `cannot listen on udp 127.0.0.1:${port}: address in use by another process`,
    });
  });
});

function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
