import http from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ok } from "../../../api/result.ts";
import { systemClock } from "../../clock/system-clock.ts";
import { silentMeter } from "../../metrics/silent-meter.ts";
import { systemRandom } from "../../random/system-random.ts";
import { FaultyServer, status } from "./faulty-server.fixture.ts";
import { HttpKubeClient } from "./http-kube-client.ts";

const { signal } = new AbortController();
const QUERY = { namespace: "shop", pod: "web-1", tailLines: 10, limitBytes: 99 };
let server: FaultyServer;
let agent: http.Agent;
let client: HttpKubeClient;
beforeEach(async () => {
  server = new FaultyServer();
  const url = await server.start();
  agent = new http.Agent();
  const connection = { headers: {}, requestAgent: agent, watchAgent: agent };
  const access = {
    server: url,
    connection: () => Promise.resolve(ok(connection)),
    refresh: () => false,
    close: () => undefined,
  };
  client = new HttpKubeClient(
    {},
    { access, clock: systemClock, random: systemRandom, meter: silentMeter },
  );
});
afterEach(async () => {
  agent.destroy();
  await server.stop();
});

test("a pod's log is text as it stands, asked for within bounds", async () => {
  server.answer((response) => void response.end("one\n{two\n"));
  const log = await client.podLog({ ...QUERY, container: "web", previous: true }, { signal });
  expect(log).toEqual(ok("one\n{two\n"));
  const path = "/api/v1/namespaces/shop/pods/web-1/log";
  const [asked] = server.seen;
  expect(new URL(asked?.url ?? "", "http://x").pathname).toBe(path);
  expect(Object.fromEntries(new URL(asked?.url ?? "", "http://x").searchParams)).toEqual({
    ...{ tailLines: "10", limitBytes: "99", container: "web", previous: "true" },
  });
});

test("a refusal is what it is for objects", async () => {
  server.answer(status(403, "Forbidden"));
  expect(await client.podLog(QUERY, { signal })).toMatchObject({ error: { kind: "forbidden" } });
});
