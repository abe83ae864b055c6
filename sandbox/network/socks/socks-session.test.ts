import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { METHOD, REPLY } from "./socks-message.ts";
import { newSocksSession, replyBytes, type SocksEffect, socksStep } from "./socks-session.ts";

const IPV4_REQUEST = [5, 1, 0, 1, 10, 0, 0, 1, 0, 80];
const NAME_REQUEST = [5, 1, 0, 3, 3, 0x77, 0x65, 0x62, 0, 80];
const UDP_REQUEST = [5, 3, 0, 1, 0, 0, 0, 0, 0, 0];

/** Bytes that leave, the request that came out, and why it was closed. */
function outcomeOf(effects: readonly SocksEffect[]): unknown {
  const written = effects.flatMap((effect) => (effect.kind === "write" ? [...effect.bytes] : []));
  const request = effects.find((effect) => "address" in effect);
  const close = effects.find((effect) => effect.kind === "close");
  return {
    written,
    ...(request && { kind: request.kind, to: request.address, early: [...request.early] }),
    ...(request?.username !== undefined && { username: request.username }),
    ...(close && { closed: close.reason }),
  };
}

function run(bytes: readonly number[], method: 0 | 2 = METHOD.none): unknown {
  return outcomeOf(socksStep(newSocksSession(method), Uint8Array.from(bytes)).effects);
}

describe("a server's handshake", () => {
  test.each([
    {
      name: "CONNECT to an address, with early data",
      bytes: [5, 1, 0, ...IPV4_REQUEST, 1, 2, 3],
      want: {
        written: [5, 0],
        kind: "connect",
        to: { kind: "ip", host: "10.0.0.1", port: 80 },
        early: [1, 2, 3],
      },
    },
    {
      name: "CONNECT to a name",
      bytes: [5, 2, 1, 0, ...NAME_REQUEST],
      want: {
        written: [5, 0],
        kind: "connect",
        to: { kind: "name", host: "web", port: 80 },
        early: [],
      },
    },
    {
      name: "UDP ASSOCIATE",
      bytes: [5, 1, 0, ...UDP_REQUEST],
      want: {
        written: [5, 0],
        kind: "udp-associate",
        to: { kind: "ip", host: "0.0.0.0", port: 0 },
        early: [],
      },
    },
    {
      name: "BIND is not supported",
      bytes: [5, 1, 0, 5, 2, 0, 1, 10, 0, 0, 1, 0, 80],
      want: {
        written: [5, 0, ...replyBytes(REPLY.commandNotSupported)],
        closed: "command must be 1 or 3: got 2",
      },
    },
    {
      name: "an unknown address type",
      bytes: [5, 1, 0, 5, 1, 0, 9],
      want: {
        written: [5, 0, ...replyBytes(REPLY.addressTypeNotSupported)],
        closed: "address type must be 1, 3 or 4: got 9",
      },
    },
    {
      name: "no acceptable method",
      bytes: [5, 1, 2],
      want: { written: [5, 0xff], closed: "no acceptable authentication method" },
    },
    {
      name: "SOCKS4",
      bytes: [4, 1, 0, 80],
      want: { written: [], closed: "version must be 5: got 4" },
    },
    {
      name: "an HTTP request",
      bytes: [...Buffer.from("GET / HTTP/1.1\r\n\r\n")],
      want: { written: [], closed: "version must be 5: got 71" },
    },
  ])("$name", ({ bytes, want }) => {
    expect(run(bytes)).toEqual(want);
  });

  test("with named clients, the username says who it is", () => {
    const hello = [5, 1, 2, 1, 2, 0x6d, 0x65, 1, 0x2d];
    expect(run([...hello, ...IPV4_REQUEST], METHOD.usernamePassword)).toEqual({
      written: [5, 2, 1, 0],
      kind: "connect",
      to: { kind: "ip", host: "10.0.0.1", port: 80 },
      early: [],
      username: "me",
    });
  });

  test("after the end, further bytes do nothing", () => {
    const { session } = socksStep(newSocksSession(METHOD.none), Uint8Array.from([4]));
    expect(socksStep(session, Uint8Array.from([5, 1, 0]))).toEqual({ session, effects: [] });
  });
});

test("however the bytes are cut up, the outcome is the same, and nothing throws", () => {
  const script = fc.oneof(
    fc.constantFrom(
      [5, 1, 0, ...IPV4_REQUEST],
      [5, 1, 0, ...NAME_REQUEST],
      [5, 1, 0, ...UDP_REQUEST],
    ),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => [...bytes]),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => [5, 1, 0, 5, 1, 0, ...bytes]),
  );
  fc.assert(
    fc.property(script, fc.array(fc.integer({ min: 1, max: 5 })), (bytes, sizes) => {
      const effects: SocksEffect[] = [];
      let session = newSocksSession(METHOD.none);
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        // What comes behind the request belongs to the relay: the shell stops feeding then.
        if (session.phase === "over") break;
        const step = socksStep(session, Uint8Array.from(bytes.slice(at, at + size)));
        at += size;
        session = step.session;
        effects.push(...step.effects);
      }
      const whole = socksStep(newSocksSession(METHOD.none), Uint8Array.from(bytes));
      expect(session.phase).toBe(whole.session.phase);
      const withoutEarly = (outcome: unknown): unknown => ({
        ...Object(outcome),
        early: undefined,
      });
      expect(withoutEarly(outcomeOf(effects))).toEqual(withoutEarly(outcomeOf(whole.effects)));
    }),
  );
});
