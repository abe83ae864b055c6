import http from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SERVICES } from "../../../api/kube/service.ts";
import { err, ok } from "../../../api/result.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { systemRandom } from "../../random/system-random.ts";
import { FaultyServer, json } from "./faulty-server.fixture.ts";
import { HttpKubeClient } from "./http-kube-client.ts";

const { signal } = new AbortController();
const WEB = { resource: SERVICES, namespace: "shop", name: "web" };
const A_SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop" },
};
const OBJECT = { metadata: { name: "web", namespace: "shop", resourceVersion: "7" } };

let server: FaultyServer;
let url: string;
let agent: http.Agent;

beforeEach(async () => {
  server = new FaultyServer();
  url = await server.start();
  agent = new http.Agent({ keepAlive: true });
});
afterEach(async () => {
  agent.destroy();
  await server.stop();
});

function aClient(clock: VirtualClock): HttpKubeClient {
  const connection = { headers: {}, requestAgent: agent, watchAgent: agent };
  const access = {
    server: url,
    connection: () => Promise.resolve(ok(connection)),
    refresh: () => false,
    close: () => agent.destroy(),
  };
  return new HttpKubeClient({}, { access, clock, random: systemRandom, meter: silentMeter });
}

describe("a server with too much to do", () => {
  test("thousands of requests wait for nothing but the server (section 17, item 9)", async () => {
    // Time stands still: whoever waited for a turn would wait for ever.
    const client = aClient(new VirtualClock());
    server.answer(json(200, OBJECT));
    for (let request = 0; request < 2_000; request++) {
      expect(await client.get(WEB, { signal })).toMatchObject({ ok: true });
    }
  });

  test.each([
    ["create", (client: HttpKubeClient) => client.create(SERVICES, A_SERVICE, { signal })],
    ["get", (client: HttpKubeClient) => client.get(WEB, { signal })],
    ["patch", (client: HttpKubeClient) => client.mergePatch(WEB, {}, { signal })],
    ["delete", (client: HttpKubeClient) => client.delete(WEB, {}, { signal })],
  ])("%s that was put off comes again by itself, no sooner than asked", async (_, call) => {
    const clock = new VirtualClock();
    const atMs: number[] = [];
    server.answer((response, request) => {
      atMs.push(clock.monotonicMs());
      const answer =
        atMs.length <= 2
          ? json(429, { kind: "Status", message: "slow down" }, { "retry-after": "2" })
          : json(200, OBJECT);
      answer(response, request);
    });
    const answered = call(aClient(clock));
    await expect.poll(() => (clock.advance(50), atMs.length), { interval: 1 }).toBe(3);
    expect(await answered).toMatchObject({ ok: true });
    const waits = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(2_000);
  });

  test("the request's own time ends the waiting", async () => {
    const clock = new VirtualClock();
    server.answer(json(429, { kind: "Status", message: "slow down" }, { "retry-after": "1" }));
    const asked = aClient(clock).get(WEB, { signal, timeoutMs: 5_000 });
    let got: Awaited<typeof asked> | undefined;
    void asked.then((value) => (got = value));
    await expect.poll(() => (clock.advance(50), got), { interval: 1 }).toBeDefined();
    expect(got).toMatchObject(err({ kind: "throttled", retryAfterMs: 1_000 }));
    expect(server.seen.length).toBeGreaterThanOrEqual(3);
    expect(server.seen.length).toBeLessThanOrEqual(5);
  });
});
