import { expect, test } from "vitest";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { LogFields } from "../../../runtime/log/log.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { openHeader } from "../stream/session-pair.fixture.ts";
import { StreamRecorder } from "./stream-record.ts";

test("bytes of a connection are counted while it is open, and each once", async () => {
  const meter = new PrometheusMeter();
  const recorder = new StreamRecorder(
    { logsConnections: false },
    { clock: new VirtualClock(), log: silentLogger, meter },
  );
  const peer = parseClusterId("east");
  const header = openHeader();
  if (!peer.ok || header.kind !== "service") throw new Error("a peer and a service");
  const bytes = async (flow: string): Promise<number> => {
    const line = new RegExp(
      `^isthmus_proxy_stream_bytes_total\\{[^}]*flow="${flow}"[^}]*\\} (.*)$`,
      "m",
    );
    return Number(line.exec(await meter.text())?.[1]);
  };
  const record = recorder.begin("out", peer.value, header);
  const counts = { bytesIn: 0, bytesOut: 0 };
  record.follow(counts);
  record.connected();
  Object.assign(counts, { bytesIn: 100, bytesOut: 7 });
  recorder.count();
  expect([await bytes("from-tunnel"), await bytes("to-tunnel")]).toEqual([100, 7]);
  recorder.count();
  record.end({ code: undefined, bytesIn: 150, bytesOut: 7 });
  recorder.count();
  expect([await bytes("from-tunnel"), await bytes("to-tunnel")]).toEqual([150, 7]);
  expect(await meter.text()).toMatch(/^isthmus_proxy_streams_total\{[^}]*outcome="done"\} 1$/m);
});

test("what a peer made up is counted without its name", () => {
  const recorder = new StreamRecorder(
    { logsConnections: false },
    { clock: new VirtualClock(), log: silentLogger, meter: silentMeter },
  );
  const peer = parseClusterId("east");
  const header = openHeader();
  if (!peer.ok || header.kind !== "service") throw new Error("a peer and a service");
  for (const [name, code] of [
    ["made-up", "not-exported"],
    ["of-ours", "refused"],
  ] as const) {
    const record = recorder.begin("in", peer.value, { ...header, namespace: "shop", name });
    record.end({ code, bytesIn: 0, bytesOut: 0 });
  }
  expect(recorder.summary()).toMatchObject({ open: 0, connections: 0, failed: 2 });
  expect(recorder.summary().services.map(({ service, errors }) => [service, errors])).toEqual([
    ["", { "not-exported": 1 }],
    ["shop/of-ours", { refused: 1 }],
  ]);
});

test("on request there is a line for each connection, with what it was and how it went; else there is none", async () => {
  const lines: unknown[] = [];
  const log = {
    ...silentLogger,
    info: (message: string, fields?: LogFields) => lines.push([message, fields]),
  };
  const clock = new VirtualClock();
  const peer = parseClusterId("east");
  const header = openHeader();
  if (!peer.ok || header.kind !== "service") throw new Error("a peer and a service");
  for (const logsConnections of [false, true]) {
    const recorder = new StreamRecorder({ logsConnections }, { clock, log, meter: silentMeter });
    const record = recorder.begin("in", peer.value, { ...header, clientNamespace: "web" });
    await clock.advance(3);
    record.connected();
    await clock.advance(500);
    record.end({ code: "reset", bytesIn: 10, bytesOut: 2_000 });
  }
  expect(lines).toEqual([
    [
      "connection",
      {
        peer: "east",
        service: "shop/db",
        direction: "in",
        port: "sql",
        protocol: "tcp",
        client: "10.0.0.1 1",
        clientNamespace: "web",
        connectMs: 3,
        durationMs: 503,
        outcome: "reset",
        bytesFromTunnel: 10,
        bytesToTunnel: 2_000,
      },
    ],
  ]);
});
