import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalIp } from "../canonical-ip.ts";
import {
  decodeAuthStatus,
  decodeCredentials,
  decodeDatagram,
  decodeGreeting,
  decodeMethodChoice,
  decodeReply,
  decodeRequest,
} from "./decode.ts";
import {
  encodeAuthStatus,
  encodeCredentials,
  encodeDatagram,
  encodeGreeting,
  encodeMethodChoice,
  encodeReply,
  encodeRequest,
} from "./encode.ts";
import type { Decoded, SocksAddress } from "./socks-message.ts";

const byte = fc.integer({ min: 0, max: 255 });
const latin1 = (min: number, max: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: min, maxLength: max })
    .map((bytes) => Buffer.from(bytes).toString("latin1"));
const port = fc.integer({ min: 0, max: 65_535 });
const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalIp(text) ?? text);
const address: fc.Arbitrary<SocksAddress> = fc.oneof(
  fc.record({ kind: fc.constant("ip" as const), host: ip, port }),
  fc.record({ kind: fc.constant("name" as const), host: latin1(1, 255), port }),
);

/** Whole it comes back, with its length; a part of it is incomplete; what follows is not touched. */
function expectRoundTrip<T>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Decoded<T>,
  value: T,
  rest: Uint8Array,
): void {
  const done = { kind: "done", value, length: bytes.length };
  expect(decode(bytes)).toEqual(done);
  expect(decode(Buffer.concat([bytes, rest]))).toEqual(done);
  for (let length = 0; length < bytes.length; length++) {
    expect(decode(bytes.subarray(0, length))).toEqual({ kind: "incomplete" });
  }
}

const tail = fc.uint8Array({ maxLength: 20 });

describe("every message comes back whole, in parts is incomplete, and leaves its successor alone", () => {
  test("greeting", () => {
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 255 }), tail, (methods, rest) =>
        expectRoundTrip(encodeGreeting(methods), decodeGreeting, methods, rest),
      ),
      { numRuns: 30 },
    );
  });

  test("method choice and authentication status", () => {
    fc.assert(
      fc.property(byte, tail, (value, rest) => {
        expectRoundTrip(encodeMethodChoice(value), decodeMethodChoice, value, rest);
        expectRoundTrip(encodeAuthStatus(value), decodeAuthStatus, value, rest);
      }),
    );
  });

  test("credentials", () => {
    fc.assert(
      fc.property(latin1(0, 255), latin1(0, 255), tail, (username, password, rest) =>
        expectRoundTrip(
          encodeCredentials({ username, password }),
          decodeCredentials,
          { username, password },
          rest,
        ),
      ),
      { numRuns: 30 },
    );
  });

  test("request and reply", () => {
    fc.assert(
      fc.property(byte, address, tail, (code, address, rest) => {
        const request = { command: code, address };
        expectRoundTrip(encodeRequest(request), decodeRequest, request, rest);
        const reply = { code, bound: address };
        expectRoundTrip(encodeReply(reply), decodeReply, reply, rest);
      }),
      { numRuns: 60 },
    );
  });
});

test("a datagram carries its address and payload", () => {
  fc.assert(
    fc.property(address, fc.uint8Array({ maxLength: 100 }), (address, payload) => {
      const decoded = decodeDatagram(encodeDatagram(address, payload));
      expect(decoded?.fragment).toBe(0);
      expect(decoded?.address).toEqual(address);
      expect(Buffer.from(decoded?.payload ?? [])).toEqual(Buffer.from(payload));
    }),
  );
});

test("no bytes make a decoder throw", () => {
  const decoders = [
    decodeGreeting,
    decodeMethodChoice,
    decodeCredentials,
    decodeAuthStatus,
    decodeRequest,
    decodeReply,
    decodeDatagram,
  ];
  const start = fc.constantFrom([], [5], [5, 1, 0], [5, 1, 0, 3], [5, 3, 0, 4], [1], [0, 0, 0, 1]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, bytes) => {
      for (const decode of decoders) decode(Uint8Array.from([...head, ...bytes]));
    }),
    { numRuns: 500 },
  );
});

describe("malformed requests say what is wrong", () => {
  test.each([
    { bytes: [4, 1], problem: "version", message: "version must be 5: got 4" },
    {
      bytes: [5, 1, 0, 2],
      problem: "address-type",
      message: "address type must be 1, 3 or 4: got 2",
    },
    { bytes: [5, 1, 0, 3, 0, 0, 80], problem: "content", message: "domain name must not be empty" },
  ])("$bytes", ({ bytes, problem, message }) => {
    expect(decodeRequest(Uint8Array.from(bytes))).toEqual({ kind: "malformed", problem, message });
  });
});
