import * as fc from "fast-check";
import { expect, test } from "vitest";
import { serviceKey } from "../../api/service-key.ts";
import { queryPacket } from "../testing/test-responder.ts";
import { AnswerCache, type CachedAnswer } from "./answer-cache.ts";
import { Question } from "./question.ts";

function questionOf(name: string): Question {
  const packet = queryPacket(`${name} A`, {});
  const question = new Question();
  question.read(packet, packet.length - 4, 1);
  return question;
}

const services = ["a", "b", "c"].map((name) => serviceKey("shop", name));
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("ask"),
      name: fc.nat(30),
      of: fc.constantFrom(...services, undefined),
    }),
    fc.record({ kind: fc.constant("change"), of: fc.constantFrom(...services) }),
  ),
  { maxLength: 100 },
);

test("never gives what a change has made wrong, whoever was evicted in between", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (taken, entriesMax) => {
      const cache = new AnswerCache({ entriesMax, bytesMax: 100_000 });
      const rightFor = new Map<string, CachedAnswer>();
      for (const step of taken) {
        if ("name" in step) {
          const name = `n${step.name}.${step.of ?? "none"}`.replace("/", "-");
          const known = cache.get(questionOf(name));
          if (known !== undefined) {
            expect(known).toBe(rightFor.get(name));
            continue;
          }
          const cached = { ...(step.of === undefined ? {} : { service: step.of }) };
          rightFor.set(name, cached);
          cache.add(questionOf(name), cached);
          expect(cache.get(questionOf(name))).toBe(cached);
        } else {
          const before = cache.size;
          cache.invalidate(step.of);
          expect(cache.size).toBeLessThanOrEqual(before);
          for (const [name, { service }] of rightFor)
            if (service === step.of) rightFor.delete(name);
        }
        expect(cache.size).toBeLessThanOrEqual(entriesMax);
      }
    }),
  );
});

test("keeps what is asked for when it is full", () => {
  const cache = new AnswerCache({ entriesMax: 10, bytesMax: 100_000 });
  cache.add(questionOf("favourite"), {});
  for (let index = 0; index < 200; index++) {
    expect(cache.get(questionOf("favourite"))).toBeDefined();
    cache.add(questionOf(`other-${index}`), {});
  }
  expect(cache.size).toBe(10);
});

test("questions differ by name and type, not by case", () => {
  const cache = new AnswerCache();
  cache.add(questionOf("web.shop"), {});
  expect(cache.get(questionOf("WEB.Shop"))).toBeDefined();
  expect(cache.get(questionOf("web.shop.a"))).toBeUndefined();
  const other = new Question();
  const packet = queryPacket("web.shop A", {});
  other.read(packet, packet.length - 4, 28);
  expect(cache.get(other)).toBeUndefined();
});

test("what alone is larger than the cache is not kept", () => {
  const cache = new AnswerCache({ entriesMax: 10, bytesMax: 100 });
  cache.add(questionOf("web.shop"), {});
  expect(cache.size).toBe(0);
});
