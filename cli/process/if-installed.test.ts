import { expect, test } from "vitest";
import { SLICES } from "../../api/network/resources.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { ReflectorStatus } from "../../runtime/kube/reflector/reflector.ts";
import { ifInstalled } from "./if-installed.ts";

const ABSENT: KubeError = { kind: "no-such-resource", message: "no kind Slice" };
const AWAY: KubeError = { kind: "unavailable", message: "ECONNREFUSED" };

function following() {
  const clock = new VirtualClock();
  const known: { status: ReflectorStatus } = {
    status: { resource: SLICES, phase: "listing", synced: false },
  };
  const nothing = { start: () => undefined, stopped: async () => undefined };
  const reflector = { ...nothing, synced: async () => false, status: () => known.status };
  const stop = new AbortController();
  const collection = ifInstalled(reflector, { clock });
  const told: { synced?: boolean } = {};
  const wait = async (): Promise<void> => {
    told.synced = await collection.synced(stop.signal);
  };
  return { clock, known, stop, told, waiting: wait(), collection };
}

test("a kind that the server does not know is waited for no longer, and is known to have no objects", async () => {
  const { clock, known, told, waiting, collection } = following();
  await clock.advance(1_000);
  expect(told).toEqual({});
  known.status = { ...known.status, phase: "waiting", error: AWAY };
  await clock.advance(1_000);
  expect(told).toEqual({});
  expect(collection.status()).toMatchObject({ synced: false, error: AWAY });
  known.status = { ...known.status, error: ABSENT };
  await clock.advance(1_000);
  await waiting;
  expect(told).toEqual({ synced: true });
  expect(collection.status()).toEqual({ resource: SLICES, phase: "waiting", synced: true });
});

test("one that is there is waited for as ever; nobody waits who was told to stop", async () => {
  const first = following();
  first.known.status = { ...first.known.status, synced: true };
  await first.clock.advance(100);
  await first.waiting;
  expect(first.told).toEqual({ synced: true });
  const second = following();
  second.stop.abort();
  await second.waiting;
  expect(second.told).toEqual({ synced: false });
});
