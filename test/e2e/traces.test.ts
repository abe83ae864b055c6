import { afterAll, beforeAll, expect, test } from "vitest";
import { ANNOTATION_TRACED_WRITE } from "../../api/mcs/labels.ts";
import {
  type CollectorStub,
  type ReceivedSpan,
  startCollectorStub,
} from "../../runtime/trace/collector-stub.ts";
import { E2eClusterset } from "./harness/e2e-clusterset.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

let collector: CollectorStub;
let set: E2eClusterset;
beforeAll(async () => {
  collector = await startCollectorStub();
  const args = ["--otlp-endpoint", collector.endpoint];
  set = await E2eClusterset.start(2, { brokerArgs: args, controllersArgs: args, dnsArgs: args });
});
afterAll(async () => {
  await set?.stop();
  await collector?.[Symbol.asyncDispose]();
});

/** Every hop of a change that some other cluster answers by. */
const HOPS = ["applied", "kept", "published", "received", "sent", "stored"];

test("one trace at the collector follows an export: its controllers, the broker, the importer's controllers, its DNS", async () => {
  const [a, b] = [set.cluster(0), set.cluster(1)];
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  await web.deploy(a, ["10.1.240.1"]);
  await web.export(a);
  await set.eventually(
    "an endpoint",
    () => b.backends(web.namespace, web.name),
    (is) => is.length === 1,
  );
  const namesOf = (spans: readonly ReceivedSpan[]): readonly string[] =>
    [...new Set(spans.map(({ name }) => name))].toSorted();
  // Further clusters have hops of their own.
  const isOther = ({ resource }: ReceivedSpan): boolean => {
    const cluster = resource["isthmus.cluster"];
    return cluster !== undefined && cluster !== a.id && cluster !== b.id;
  };
  const oursOf = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] =>
    spans.filter((span) => !isOther(span));
  const isWhole = (spans: readonly ReceivedSpan[]): boolean =>
    namesOf(oursOf(spans)).join() === HOPS.join();
  const traces = await set.eventually(
    "a trace with all hops",
    () => Promise.resolve(Map.groupBy(collector.spans, ({ traceId }) => traceId)),
    (is) => [...is.values()].some(isWhole),
  );
  const whole = oursOf([...traces.values()].find(isWhole) ?? []);
  const of = (name: string) => whole.find((span) => span.name === name);
  const [stored, received, applied] = ["stored", "received", "applied"].map(of);
  const exporter = { "service.name": "isthmus-controllers", "isthmus.cluster": a.id };
  const importer = { "service.name": "isthmus-controllers", "isthmus.cluster": b.id };
  expect(stored?.parentSpanId).toBeUndefined();
  expect(stored?.resource).toMatchObject(exporter);
  for (const name of ["kept", "sent"]) {
    expect(of(name)).toMatchObject({
      parentSpanId: stored?.spanId,
      resource: { "service.name": "isthmus-broker" },
    });
  }
  expect(received).toMatchObject({ parentSpanId: stored?.spanId, resource: importer });
  expect(applied).toMatchObject({ parentSpanId: received?.spanId, resource: importer });
  const dns = { "service.name": "isthmus-dns", "isthmus.cluster": b.id };
  expect(whole).toContainEqual(
    expect.objectContaining({
      name: "published",
      parentSpanId: applied?.spanId,
      resource: expect.objectContaining(dns),
    }),
  );
  const found = await b.import(web.namespace, web.name);
  expect(found?.metadata.annotations?.[ANNOTATION_TRACED_WRITE]).toMatch(
    new RegExp(`^${a.id}/\\d+$`),
  );
  const hops = async (port: number): Promise<readonly string[]> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const counts = text.matchAll(/propagation_seconds_count\{hop="(\w+)"\} [1-9]/g);
    return [...counts].map(([, hop = ""]) => hop).toSorted();
  };
  expect(await hops(a.processes.controllersHealthPort)).toContain("stored");
  expect(await hops(b.processes.controllersHealthPort)).toEqual(["applied", "received"]);
});
