import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { decode, encode } from "dns-packet";
import { afterEach, expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import type { PodPort, PortForward } from "../../../runtime/kube/port-forward.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { DnsPod } from "../../ask-dns/dns-pods.ts";
import { askThroughApi, packetsThroughApi } from "./through-api.ts";

const { signal } = new AbortController();
const NAMESPACE = "isthmus-system";
const POD: DnsPod = { name: "dns-1", isReady: true, dnsPort: 5353, packetTestPort: 8082 };
const QUESTIONS = [{ name: "web.shop.svc.clusterset.local", type: "A" as const }];
const TARGET = { namespace: "shop", name: "web" };
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanup.splice(0).toReversed()) await clean();
});

/** What is behind the API server: every forwarded port is this. */
async function behind(serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    cleanup.push(() => Promise.resolve(socket.destroy()));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const asked: PodPort[] = [];
  const forward: PortForward = async (to) => {
    asked.push(to);
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return ok(socket);
  };
  return { asked, forward };
}

const deps = (forward: PortForward) => ({
  forward,
  clock: systemClock,
  random: seededRandom(1),
  signal,
});
const through = (pods: readonly DnsPod[], hasService = false) => ({
  namespace: NAMESPACE,
  pods: ok(pods),
  hasService,
});
const never: PortForward = () => Promise.resolve(err("cannot forward: forbidden"));

/** Answers one question. */
function answering(flags: number, address?: string) {
  return (socket: Socket): void => {
    socket.once("data", (bytes: Buffer) => {
      const { id, questions = [] } = decode(bytes.subarray(2));
      const name = questions[0]?.name ?? "";
      const answers = address === undefined ? [] : [{ type: "A", name, data: address } as const];
      const answer = encode({ type: "response", id: id ?? 0, flags, questions, answers });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.end(Buffer.concat([length, answer]));
    });
  };
}

test("a pod that is ready is asked, at its own port", async () => {
  const { asked, forward } = await behind(answering(0, "10.1.2.3"));
  const answers = await askThroughApi(through([POD]), QUESTIONS, deps(forward));
  const server = "pod isthmus-system/dns-1:5353";
  expect(answers).toEqual(
    ok([{ kind: "answered", server, type: "A", rcode: "NOERROR", addresses: ["10.1.2.3"] }]),
  );
  expect(asked).toEqual([{ namespace: NAMESPACE, pod: "dns-1", port: 5353 }]);
});

test("a server that listens no more is a fact: it is silent", async () => {
  const refused = "error forwarding port 5353: connect: connection refused";
  const { forward } = await behind(() => undefined);
  const broken: PortForward = async (to, limits) => {
    const opened = await forward(to, limits);
    if (opened.ok) setImmediate(() => opened.value.destroy(new Error(refused)));
    return opened;
  };
  expect(await askThroughApi(through([POD]), QUESTIONS, deps(broken))).toEqual(
    ok([{ kind: "silent", server: "pod isthmus-system/dns-1:5353", why: refused }]),
  );
});

test.each([
  [[{ ...POD, isReady: false }], "of its pods (1) none is ready"],
  [[], "it has no pods"],
])("that no pod is ready, or none there, is a fact too", async (pods, why) => {
  expect(await askThroughApi(through(pods, true), QUESTIONS, deps(never))).toEqual(
    ok([{ kind: "silent", server: "of Service isthmus-system/isthmus-dns", why }]),
  );
});

test.each([
  ["the user may not forward", through([POD]), never, /^cannot forward: forbidden; or run/],
  ["there is no pod", through([]), never, /has no pod of the DNS server/],
  ["pods cannot be read", { ...through([]), pods: err("no role") }, never, /^no role$/],
] as const)("%s: nothing is said of the server", async (_, where, forward, says) => {
  const wanted = err(expect.stringMatching(says));
  expect(await askThroughApi(where, QUESTIONS, deps(forward))).toEqual(wanted);
  expect(await packetsThroughApi(where, TARGET, deps(forward))).toEqual(wanted);
});

test("a node that cannot forward says nothing of the server", async () => {
  const { forward } = await behind(() => undefined);
  const broken: PortForward = async (to, limits) => {
    const opened = await forward(to, limits);
    if (opened.ok) setImmediate(() => opened.value.destroy(new Error("socat not found")));
    return opened;
  };
  expect(await askThroughApi(through([POD]), QUESTIONS, deps(broken))).toEqual(
    err(expect.stringMatching(/^socat not found; or run/)),
  );
});

test("a server that does not answer its own loopback is not judged by that", async () => {
  const { forward } = await behind(answering(5));
  expect(await askThroughApi(through([POD]), QUESTIONS, deps(forward))).toEqual(
    err(expect.stringContaining("answers no question from its own loopback")),
  );
});

test("packets: what the pod says; a pod that takes no tests is not asked", async () => {
  const connections = [{ address: "10.1.2.3", port: 80 }];
  const { asked, forward } = await behind((socket) => {
    socket.once("data", () => {
      const body = JSON.stringify({ connections });
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  expect(await packetsThroughApi(through([POD]), TARGET, deps(forward))).toEqual(ok(connections));
  expect(asked).toEqual([{ namespace: NAMESPACE, pod: "dns-1", port: 8082 }]);
  const old = { ...POD, packetTestPort: undefined };
  expect(await packetsThroughApi(through([old]), TARGET, deps(forward))).toEqual(
    err(expect.stringContaining("takes no packet tests")),
  );
  expect(asked).toHaveLength(1);
});
