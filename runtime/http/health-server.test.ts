import { afterEach, describe, expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import { silentLogger } from "../log/silent-log.ts";
import { PrometheusMeter } from "../metrics/prometheus-meter.ts";
import type { HealthChecks, MetricsSource } from "./health-server.ts";
import { HealthServer } from "./health-server.ts";

const servers: HealthServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(
  checks: { livez?: HealthChecks; readyz?: HealthChecks },
  metrics?: MetricsSource,
): Promise<string> {
  const server = new HealthServer(
    {
      listen: { host: "127.0.0.1", port: 0 },
      livez: checks.livez ?? {},
      readyz: checks.readyz ?? {},
    },
    { log: silentLogger, ...(metrics && { metrics }) },
  );
  servers.push(server);
  const started = await server.start();
  if (!started.ok) throw new Error(started.error);
  return `http://127.0.0.1:${started.value.port}`;
}

describe("HealthServer", () => {
  test("is 200 and names each check when all hold", async () => {
    const url = await serve({
      readyz: { broker: () => ok("connected"), zone: () => ok("42 names") },
    });
    const answer = await fetch(`${url}/readyz?verbose`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(
      "[+]broker ok: connected\n[+]zone ok: 42 names\nreadyz check passed\n",
    );
  });

  test("is 503 with the reason when one fails, without hiding the others", async () => {
    const url = await serve({
      readyz: { broker: () => err("no connection for 12 s"), zone: () => ok("42 names") },
      livez: { loop: () => ok("turning") },
    });
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe(
      "[-]broker failed: no connection for 12 s\n[+]zone ok: 42 names\nreadyz check failed\n",
    );
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test("asks the check anew each time", async () => {
    let ready = false;
    const url = await serve({ readyz: { sync: () => (ready ? ok("done") : err("first list")) } });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    ready = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  test("a check that throws is a failed check", async () => {
    const url = await serve({
      livez: {
        bug: () => {
          throw new Error("boom");
        },
      },
    });
    const answer = await fetch(`${url}/livez`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("[-]bug failed: check threw: boom");
  });

  test("serves the meter's text", async () => {
    const meter = new PrometheusMeter();
    meter.counter({ name: "isthmus_test_things_total", help: "Things." }).add(3);
    const url = await serve({}, meter);
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("content-type")).toBe(meter.contentType);
    expect(await answer.text()).toContain("isthmus_test_things_total 3");
  });

  test("a scrape that fails is 500 and does not end the server", async () => {
    const url = await serve(
      {},
      { contentType: "text/plain", text: () => Promise.reject(new Error("x")) },
    );
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test.each([
    { method: "POST", path: "/readyz", want: 405 },
    { method: "GET", path: "/", want: 404 },
    { method: "GET", path: "/metrics", want: 404 },
    { method: "HEAD", path: "/livez", want: 200 },
  ])("answers $method $path with $want", async ({ method, path, want }) => {
    const url = await serve({});
    expect((await fetch(`${url}${path}`, { method })).status).toBe(want);
  });

  test("a port in use is a clear error and stop stays harmless", async () => {
    const url = await serve({});
    const port = Number(new URL(url).port);
    const second = new HealthServer(
      { listen: { host: "127.0.0.1", port }, livez: {}, readyz: {} },
      { log: silentLogger },
    );
    expect(await second.start()).toEqual(
      err(`cannot listen on 127.0.0.1:${port}: address in use by another process`),
    );
    await second.stop();
    await second.stop();
  });

  test("stop cuts a connection that never finishes its request", async () => {
    const url = await serve({});
    const { connect } = await import("node:net");
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.write("GET /livez HT", resolve));
    await servers[0]?.stop();
    await closed;
  });
});
