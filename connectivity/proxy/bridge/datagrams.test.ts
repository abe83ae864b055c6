import { expect, test } from "vitest";
import { KeptStream, SessionPair } from "../stream/session-pair.fixture.ts";
import { sendOrDrop } from "./datagram-bridge.ts";
import { HeldStream } from "./held-stream.ts";

test("of datagrams that come before there is an endpoint the first 64 are kept", () => {
  const pair = new SessionPair();
  const client = pair.a.open("udp");
  pair.settle();
  const stream = pair.b.opened[0]?.stream;
  if (stream === undefined) throw new Error("a stream");
  const held = new HeldStream(stream, () => undefined);
  for (let n = 0; n < 100; n++) {
    client.send(Uint8Array.of(n));
    pair.settle();
  }
  const taker = new KeptStream(stream);
  held.release();
  expect(taker.pieces.map(([first]) => first)).toEqual(Array.from({ length: 64 }, (_, n) => n));
  client.send(Uint8Array.of(200));
  pair.settle();
  expect(taker.pieces.at(-1)).toEqual(Buffer.from([200]));
});

test("a socket that has a megabyte to send already is given nothing more, until it has less", () => {
  let queued = 0;
  let sent = 0;
  const give = (): void => sendOrDrop({ getSendQueueSize: () => queued }, () => (sent += 1));
  give();
  queued = 1024 * 1024 + 1;
  give();
  queued = 1024 * 1024;
  give();
  expect(sent).toBe(2);
});
