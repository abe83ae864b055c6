import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BrokerMessage } from "../../api/broker/broker.gen.ts";
import { unpackBatch } from "../wire/batch.ts";
import { LIMITS } from "../wire/limits.ts";
import { Batcher } from "./batcher.ts";
import { encodeOutgoing, type SingleOutgoing } from "./outgoing.ts";

function namesOf(bytes: number): SingleOutgoing {
  // Names of one letter: their encoding is three bytes each.
  const namespaces = Array.from({ length: Math.ceil(bytes / 3) }, () => "n");
  return { kind: "message", message: { $case: "importsDenied", value: { namespaces } } };
}

test("everything is said once, in order, in messages within the limit of one", () => {
  const sizes = fc.array(fc.oneof(fc.nat(200), fc.nat(500_000)), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (all) => {
      const messages = all.map(namesOf);
      const batcher = new Batcher();
      const queue = [...messages];
      const heard: unknown[] = [];
      for (let said = batcher.pull(() => queue.shift()); said !== undefined; ) {
        const bytes = encodeOutgoing(said);
        expect(bytes.length).toBeLessThan(LIMITS.messageBytes);
        const { message } = BrokerMessage.decode(bytes);
        if (message?.$case === "batch") {
          const unpacked = unpackBatch(message.value);
          if (!unpacked.ok) throw new Error(unpacked.error);
          heard.push(...unpacked.value);
        } else heard.push(message);
        said = batcher.pull(() => queue.shift());
      }
      expect(heard).toEqual(messages.map((each) => each.kind === "message" && each.message));
    }),
    { numRuns: 30 },
  );
});

test("one message alone goes as it is", () => {
  const queue = [namesOf(10)];
  const [only] = queue;
  expect(new Batcher().pull(() => queue.shift())).toBe(only);
});
