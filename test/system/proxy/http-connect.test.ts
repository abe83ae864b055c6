import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { connectTo } from "../../../connectivity/proxy/tunnel/dial-tunnel.ts";

// What an HTTP proxy may answer to CONNECT, and what a proxy that is broken or hostile does. That tunnels are carried: tunnels.test.ts.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Connected = Awaited<ReturnType<typeof connectTo>>;

/** Asks a proxy that answers like this; what became of it, and what it was asked. */
async function ask(
  answer: (socket: Socket) => void,
  signal = new AbortController().signal,
): Promise<{ readonly got: Connected; readonly asked: string }> {
  let asked = "";
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (head) => {
      asked = head.toString();
      answer(socket);
    });
    ends.push(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const got = await connectTo(
    "[2001:db8::7]:7443",
    { address: { host: "127.0.0.1", port }, authorization: "Basic eA==" },
    signal,
  );
  if (got.ok) ends.push(() => got.value.destroy());
  return { got, asked };
}

test.each([
  ["says no", "HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n", /must answer 2xx: got "HTTP\/1.1 403 For/],
  [
    "wants to know who asks, and has a page about it",
    "HTTP/1.0 407 Who?\r\nContent-Type: text/html\r\n\r\n<h1>Who?</h1>",
    /got "HTTP\/1.0 407 Who\?"/,
  ],
  ["speaks something else", "SSH-2.0-OpenSSH\r\n\r\n", /must answer 2xx: got "SSH-2.0/],
  ["has a status that looks right", "HTTP/1.1 2000 OK\r\n\r\n", /must answer 2xx/],
  ["has a header without an end", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(2_000)}`, /at most 8192/],
  ["has a line without an end", "x".repeat(100_000), /at most 8192 bytes: it has more/],
])("a proxy that %s: no connection, and the reason", async (_what, answer, reason) => {
  const { got } = await ask((socket) => socket.write(answer));
  expect(got).toEqual({ ok: false, error: expect.stringMatching(reason) });
});

test("a proxy that hangs up, or says nothing until the deadline: no connection", async () => {
  const closed = expect.stringContaining("without an answer");
  expect((await ask((socket) => socket.end())).got).toEqual({ ok: false, error: closed });
  const deadline = new AbortController();
  const passed = new Error("deadline of 10000 ms passed");
  const { got } = await ask(() => deadline.abort(passed), deadline.signal);
  const reason =
    /^cannot dial \[2001:db8::7\]:7443 through 127\.0\.0\.1:\d+: deadline of 10000 ms passed$/;
  expect(got).toEqual({ ok: false, error: expect.stringMatching(reason) });
});

test("it is asked for the place by RFC 9110 section 9.3.6, and what follows its answer belongs to the peer", async () => {
  const { got, asked } = await ask((socket) => {
    socket.write("HTTP/1.1 200");
    socket.write(" Connection established\r\nVia: x\r\n\r\nfirst words");
  });
  if (!got.ok) throw new Error(got.error);
  expect(asked).toBe(
    "CONNECT [2001:db8::7]:7443 HTTP/1.1\r\nHost: [2001:db8::7]:7443\r\nProxy-Authorization: Basic eA==\r\n\r\n",
  );
  const [chunk] = await once(got.value.resume(), "data");
  expect(chunk.toString()).toBe("first words");
});
