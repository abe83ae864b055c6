import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { ANNOTATION_TRACED_WRITE } from "../../api/mcs/labels.ts";
import { serviceKey } from "../../api/service-key.ts";
import { anImport, aSlice } from "../../dns-server/testing/objects.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { ArrivedWrites } from "./arrived-writes.ts";
import type { Write } from "./trace-propagation.ts";

const WEB = serviceKey("shop", "web");

function world() {
  const clock = new VirtualClock();
  const told: Write[] = [];
  return { clock, told, writes: new ArrivedWrites(clock, (one) => void told.push(one)) };
}

function of<T extends KubeObject>(object: T, write: string): T {
  const annotations = { [ANNOTATION_TRACED_WRITE]: write };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

test("a write counts from its object's arrival until it is done, once for all objects that say it", async () => {
  const { clock, told, writes } = world();
  const sequence = clock.nowMs();
  await clock.advance(100);
  writes.saw(of(aSlice({ endpoints: ["10.0.0.1"] }), `east/${sequence}`));
  await clock.advance(7);
  writes.done([WEB, serviceKey("shop", "other")]);
  const startMs = sequence + 100;
  expect(told).toEqual([{ cluster: "east", sequence, service: WEB, startMs, endMs: startMs + 7 }]);
  writes.saw(of(anImport({}), `east/${sequence}`));
  writes.done([WEB]);
  expect(told).toHaveLength(1);
  writes.saw(of(anImport({}), `east/${sequence + 1}`));
  writes.done([WEB]);
  expect(told).toHaveLength(2);
});

test.each([
  ["no write", ""],
  ["nonsense", "east"],
  ["another's words", "East/1"],
  ["a write too long ago", "east/1"],
])("%s is told to nobody", (_, write) => {
  const { told, writes } = world();
  writes.saw(of(anImport({}), write));
  writes.saw(anImport({}));
  writes.done([WEB]);
  expect(told).toEqual([]);
});

test("what changed nothing is not taken for the reason of a later change", async () => {
  const { clock, told, writes } = world();
  writes.saw(of(anImport({}), `east/${clock.nowMs()}`));
  await clock.advance(6_000);
  writes.done([WEB]);
  expect(told).toEqual([]);
});
