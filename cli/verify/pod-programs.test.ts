import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { decode, encode } from "dns-packet";
import { afterEach, expect, test } from "vitest";
import { podMeasures } from "../benchmark/pod-measures.ts";
import { type ClientReport, lastReport, missingOfName, missingOfRequest } from "./client-report.ts";
import { CLIENT_PROGRAM, MEASURE_PROGRAM, SERVER_PROGRAM } from "./pod-programs.ts";

const running: ChildProcess[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const socket of sockets.splice(0)) socket.close();
});

/** As a pod does; what it says, line by line. */
function run(program: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["-e", program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push(child);
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

async function next(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("it has ended");
  return value;
}

/** Nobody knows the name but this. */
async function nameServer(address: string): Promise<number> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.on("message", (message, from) => {
    const { id = 0, questions = [] } = decode(message);
    const [question] = questions;
    const answers =
      question?.type === "A" ? [{ type: "A", name: question.name, data: address } as const] : [];
    socket.send(encode({ type: "response", id, questions, answers }), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

test("a client says what it sees of a server, and when that changes", async () => {
  const server = run(SERVER_PROGRAM, { PORT: "0" });
  const { port }: { readonly port: number } = JSON.parse(await next(server.lines));
  const dns = `require("node:dns").setServers(["127.0.0.1:${await nameServer("10.1.2.3")}"]);`;
  const env = { NAME: "localhost", PORT: String(port) };
  const { lines } = run(`${dns}\n${CLIENT_PROGRAM}`, env);
  const until = async (isIt: (report: ClientReport) => boolean): Promise<ClientReport> => {
    for (;;) {
      const report = lastReport(await next(lines));
      if (report !== undefined && isIt(report)) return report;
    }
  };
  const first = await until(({ status }) => status !== undefined);
  expect(first).toMatchObject({ addresses: ["10.1.2.3"], status: 200, body: hostname() });
  expect(missingOfName(first, ["10.1.2.3"])).toBeUndefined();
  expect(missingOfName(first, ["10.1.2.4"])).toBe("must be 10.1.2.4: got 10.1.2.3");
  expect(missingOfRequest(first)).toBeUndefined();
  server.child.kill("SIGTERM");
  const second = await until((report) => report.requestError !== undefined);
  expect(missingOfRequest(second)).toBe(second.requestError);
});

test("a client measures names, requests and bytes, and says so once", async () => {
  const server = run(SERVER_PROGRAM, { PORT: "0" });
  const { port }: { readonly port: number } = JSON.parse(await next(server.lines));
  const dns = `require("node:dns").setServers(["127.0.0.1:${await nameServer("10.1.2.3")}"]);`;
  const load = { DNS_RATE: "20", RATE: "10", SECONDS: "0.5", BYTES: "1000000" };
  const { lines } = run(`${dns}\n${MEASURE_PROGRAM}`, {
    ...{ NAME: "localhost", PORT: String(port), ...load },
  });
  const measures = podMeasures(await next(lines));
  expect(measures).toMatchObject({ dns: { failed: 0 }, request: { failed: 0 }, bytes: 1_000_000 });
  expect([measures?.dns.ms.length, measures?.request.ms.length]).toEqual([10, 5]);
  expect(measures?.bulkMs).toBeGreaterThan(0);
  expect(podMeasures('{"dns":')).toBeUndefined();
});

test.each([
  ["", undefined],
  ["(node:7) Warning: something of Node's own\n", undefined],
  ['{"addresses":[],"nameError":"ENOTFOUND"}\n{"addr', { addresses: [], nameError: "ENOTFOUND" }],
  ['{"addresses":[]}\n{"addresses":["a"],"status":500}\n', { addresses: ["a"], status: 500 }],
])("the last whole line of a log counts: %j", (log, want) => {
  expect(lastReport(log)).toEqual(want);
});

test("what is missing has its reason", () => {
  expect(missingOfName({ addresses: [], nameError: "ENOTFOUND" }, ["a"])).toBe(
    "must be a: got ENOTFOUND",
  );
  expect(missingOfRequest({ addresses: [], status: 503 })).toBe("HTTP status 503");
  expect(missingOfRequest({ addresses: [] })).toBe("no answer");
});
