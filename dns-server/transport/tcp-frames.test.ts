import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TcpFrames } from "./tcp-frames.ts";

test("whatever the pieces, the messages come out whole and in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
      (messages, sizes) => {
        const stream = Buffer.concat(
          messages.flatMap((message) => [
            Buffer.from([message.length >> 8, message.length & 255]),
            message,
          ]),
        );
        const frames = new TcpFrames();
        const got: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          frames.push(stream.subarray(at, at + size));
          at += size;
          for (let next = frames.take(); next !== undefined; next = frames.take())
            got.push(Buffer.from(next));
        }
        expect(got).toEqual(messages.map((message) => Buffer.from(message)));
      },
    ),
  );
});
