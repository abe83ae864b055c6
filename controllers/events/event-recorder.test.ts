import { beforeEach, describe, expect, test } from "vitest";
import type { Condition } from "../../api/kube/condition.ts";
import type { KubeEvent } from "../../api/kube/event.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { aServiceExport } from "../testing/builders.ts";
import { EventRecorder } from "./event-recorder.ts";
import { exportEvents } from "./export-events.ts";

const DRAFT = {
  type: "Warning",
  reason: "Conflict",
  action: "Merging",
  note: "ports differ",
} as const;
const signal = new AbortController().signal;

let clock: VirtualClock;
let written: KubeObject[];
let isAway: boolean;
let recorder: EventRecorder;

beforeEach(() => {
  clock = new VirtualClock();
  written = [];
  isAway = false;
  const client: Pick<KubeClient, "create"> = {
    create: async (_resource, object) => {
      if (isAway) return err({ kind: "forbidden", message: "no" });
      written.push(object);
      return ok(object);
    },
  };
  const deps = { client, clock, log: silentLogger, meter: silentMeter };
  recorder = new EventRecorder({ instance: "a" }, deps);
});

function anObject(uid: string): KubeObject {
  const { metadata, ...rest } = aServiceExport();
  return { ...rest, metadata: { ...metadata, uid } };
}

describe("EventRecorder (EXP-25)", () => {
  test("an Event as events.k8s.io/v1 wants it", () => {
    recorder.record(anObject("u1"), DRAFT, signal);
    const expected: Partial<KubeEvent> = {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "isthmus.dev/controllers",
      reportingInstance: "a",
      ...DRAFT,
      regarding: {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceExport",
        namespace: "shop",
        name: "web",
        uid: "u1",
      },
    };
    expect(written).toEqual([
      {
        ...expected,
        metadata: { namespace: "shop", name: expect.stringMatching(/^web\.[0-9a-v]{10}$/) },
      },
    ]);
  });

  test("the same about the same object is told once in ten minutes", async () => {
    recorder.record(anObject("u1"), DRAFT, signal);
    recorder.record(anObject("u1"), DRAFT, signal);
    recorder.record(anObject("u2"), DRAFT, signal);
    recorder.record(anObject("u1"), { ...DRAFT, note: "types differ" }, signal);
    expect(written).toHaveLength(3);
    await clock.advance(600_000);
    recorder.record(anObject("u1"), DRAFT, signal);
    expect(written).toHaveLength(4);
    expect(new Set(written.map(({ metadata }) => metadata.name)).size).toBe(4);
  });

  test("a flood is cut to a burst and a trickle", async () => {
    for (let n = 0; n < 500; n += 1) recorder.record(anObject(`u${n}`), DRAFT, signal);
    expect(written).toHaveLength(50);
    await clock.advance(3_000);
    for (let n = 500; n < 600; n += 1) recorder.record(anObject(`u${n}`), DRAFT, signal);
    expect(written).toHaveLength(53);
  });

  test("a refusal is nobody's trouble, and what was dropped may be told later", async () => {
    isAway = true;
    recorder.record(anObject("u1"), DRAFT, signal);
    await clock.advance(600_000);
    isAway = false;
    recorder.record(anObject("u1"), DRAFT, signal);
    expect(written).toHaveLength(1);
  });

  test.each([
    { name: "ASCII", text: "x".repeat(5_000) },
    { name: "three bytes each", text: "€".repeat(2_000) },
    { name: "four bytes each, off by one", text: `x${"🌍".repeat(1_000)}` },
  ])("notes and reasons are cut to what the API server takes: $name", ({ text }) => {
    recorder.record(anObject("u1"), { ...DRAFT, reason: text, note: text }, signal);
    const [event] = written as KubeEvent[];
    expect(Buffer.byteLength(event?.note ?? "")).toBeLessThanOrEqual(1024);
    expect(Buffer.byteLength(event?.note ?? "")).toBeGreaterThan(1015);
    expect(Buffer.byteLength(event?.reason ?? "")).toBeLessThanOrEqual(128);
    expect(event?.note).not.toContain("\uFFFD");
  });
});

describe("exportEvents: one per change of a condition (EXP-25)", () => {
  const condition = (type: string, status: Condition["status"], reason: string): Condition => ({
    type,
    status,
    reason,
    message: "m",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  });
  const conflict = condition("Conflict", "True", "PortConflict");
  const agreed = condition("Conflict", "False", "NoConflicts");

  test.each([
    { name: "a conflict appears", before: [agreed], after: [conflict], want: ["Warning Conflict"] },
    { name: "on first sight", before: [], after: [conflict], want: ["Warning Conflict"] },
    { name: "it stands", before: [conflict], after: [conflict], want: [] },
    {
      name: "another joins it",
      before: [conflict],
      after: [condition("Conflict", "True", "PortConflict,TypeConflict")],
      want: ["Warning Conflict"],
    },
    {
      name: "only its wording changes",
      before: [conflict],
      after: [{ ...conflict, message: "2 of 3 clusters differ" }],
      want: [],
    },
    { name: "it ends", before: [conflict], after: [agreed], want: ["Normal ConflictResolved"] },
    {
      name: "it is no longer seen",
      before: [conflict],
      after: [condition("Conflict", "Unknown", "ImportDenied")],
      want: [],
    },
    { name: "there never was one", before: [], after: [agreed], want: [] },
    {
      name: "the Service is missing",
      before: [],
      after: [condition("Valid", "False", "NoService")],
      want: ["Warning NoService"],
    },
    {
      name: "the broker refuses",
      before: [condition("Ready", "Unknown", "Pending")],
      after: [condition("Ready", "False", "Failed")],
      want: ["Warning ExportFailed"],
    },
    {
      name: "waiting is no news",
      before: [condition("Ready", "True", "Exported")],
      after: [condition("Ready", "False", "Pending")],
      want: [],
    },
  ])("$name", ({ before, after, want }) => {
    expect(exportEvents(before, after).map(({ type, reason }) => `${type} ${reason}`)).toEqual(
      want,
    );
  });
});
