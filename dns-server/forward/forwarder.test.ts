import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { decode, encode } from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../../runtime/clock/clock.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { queryPacket } from "../testing/test-responder.ts";
import type { Upstream } from "./exchange.ts";
import { Forwarder, type ForwardResult } from "./forwarder.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const QUERY = queryPacket("www.example.com A", {});

/** An address record with the upstream's own address, so that tests see who answered. */
function respond(query: Buffer, address: string, rcode = 0): Buffer {
  const { id, questions = [] } = decode(query);
  const name = questions[0]?.name ?? "";
  const answers = rcode === 0 ? [{ name, type: "A" as const, data: address }] : [];
  return encode({ type: "response", id: id ?? 0, flags: rcode, questions, answers });
}

type Behaviour = (query: Buffer, send: (response: Buffer) => void) => void;

async function udpUpstream(behave: Behaviour): Promise<Upstream & { readonly socket: Socket }> {
  const socket = createSocket("udp4");
  closing.push(() => socket.close());
  socket.on("message", (query, peer) =>
    behave(query, (r) => socket.send(r, peer.port, peer.address)),
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { host: "127.0.0.1", port: socket.address().port, socket };
}

async function tcpUpstream(behave: Behaviour): Promise<Upstream> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) =>
      behave(chunk.subarray(2), (response) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(response.length);
        socket.write(Buffer.concat([length, response]));
      }),
    );
  });
  closing.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { host: "127.0.0.1", port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

function forwarderTo(upstreams: readonly Upstream[], timeoutMs = 5000, clock: Clock = systemClock) {
  const results: ForwardResult[] = [];
  let id = 100;
  const forwarder = new Forwarder(
    { upstreams, timeoutMs },
    { clock, drawId: () => id++, onResult: (result) => results.push(result) },
  );
  closing.push(() => forwarder.stop());
  const ask = async (transport: "udp" | "tcp" = "udp"): Promise<string | undefined> => {
    const asked = await forwarder.ask(QUERY, QUERY.length, transport);
    if (asked.kind === "overload") return "overload";
    const { response } = asked;
    if (response === undefined) return undefined;
    const { answers = [], flags = 0 } = decode(response);
    const [first] = answers;
    return first?.type === "A" ? first.data : `rcode ${flags & 0xf}`;
  };
  return { ask, results };
}

describe.each(["udp", "tcp"] as const)("by %s", (transport) => {
  const upstream = transport === "udp" ? udpUpstream : tcpUpstream;

  test("the upstream's response comes back", async () => {
    const one = await upstream((query, send) => send(respond(query, "192.0.2.1")));
    const { ask, results } = forwarderTo([one]);
    expect(await ask(transport)).toBe("192.0.2.1");
    expect(results).toEqual(["answered"]);
  });

  test("the next one is asked when the first is silent, after which it rests", async () => {
    let asked = 0;
    const clock = new VirtualClock();
    const silent = await upstream(() => {
      asked++;
      void clock.advance(1000);
    });
    const good = await upstream((query, send) => send(respond(query, "192.0.2.2")));
    const { ask } = forwarderTo([silent, good], 1000, clock);
    for (let query = 0; query < 5; query++) expect(await ask(transport)).toBe("192.0.2.2");
    expect(asked).toBe(3);
  });

  test.each([
    { name: "SERVFAIL", rcode: 2 },
    { name: "REFUSED", rcode: 5 },
  ])(
    "$name makes it ask the next one, and is passed on when it is the last word",
    async ({ rcode }) => {
      const bad = await upstream((query, send) => send(respond(query, "", rcode)));
      const good = await upstream((query, send) => send(respond(query, "192.0.2.2")));
      expect(await forwarderTo([bad, good]).ask(transport)).toBe("192.0.2.2");
      expect(await forwarderTo([bad]).ask(transport)).toBe(`rcode ${rcode}`);
    },
  );

  test("nobody answers", async () => {
    const silent = await upstream(() => undefined);
    const { ask, results } = forwarderTo([silent], 50);
    expect(await ask(transport)).toBeUndefined();
    expect(results).toEqual(["no-answer"]);
  });
});

test("what is not the answer to our question is not taken for it (RFC 5452)", async () => {
  const one = await udpUpstream((query, send) => {
    const wrongId = respond(query, "192.0.2.66");
    wrongId.writeUInt16BE(wrongId.readUInt16BE(0) ^ 1, 0);
    send(wrongId);
    const wrongName = respond(query, "192.0.2.66");
    wrongName[13] = (wrongName[13] ?? 0) ^ 0x20;
    send(wrongName);
    const noResponse = respond(query, "192.0.2.66");
    noResponse.writeUInt16BE(0, 2);
    send(noResponse);
    send(Buffer.alloc(1));
    send(respond(query, "192.0.2.1"));
  });
  expect(await forwarderTo([one]).ask()).toBe("192.0.2.1");
});

test("a forger at another port is not heard", async () => {
  const forger = await udpUpstream(() => undefined);
  const one = await udpUpstream((query, send) => send(respond(query, "192.0.2.1")));
  one.socket.prependListener("message", (query, peer) => {
    forger.socket.send(respond(query, "192.0.2.66"), peer.port, peer.address);
  });
  expect(await forwarderTo([one]).ask()).toBe("192.0.2.1");
});

test("many at once find their own answers", async () => {
  const one = await udpUpstream((query, send) => {
    // The later half first.
    setImmediate(() => send(respond(query, `192.0.2.${(decode(query).id ?? 0) & 0xff}`)));
  });
  const { ask, results } = forwarderTo([one]);
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask()));
  expect(new Set(answers).size).toBe(100);
  expect(results).toHaveLength(100);
});

test("more than it can keep under way are turned away at once", async () => {
  const silent = await udpUpstream(() => undefined);
  const { ask, results } = forwarderTo([silent], 500);
  const all = Array.from({ length: 4100 }, () => ask());
  await all.at(-1);
  expect(results).toEqual(["overload", "overload", "overload", "overload"]);
  await Promise.all(all);
});
