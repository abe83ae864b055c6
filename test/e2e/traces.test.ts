import { afterAll, beforeAll, expect, test } from "vitest";
import { type CollectorStub, startCollectorStub } from "../../runtime/trace/collector-stub.ts";
import { E2eClusterset } from "./harness/e2e-clusterset.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

let collector: CollectorStub;
let set: E2eClusterset;
beforeAll(async () => {
  collector = await startCollectorStub();
  set = await E2eClusterset.start(2, ["--otlp-endpoint", collector.endpoint]);
});
afterAll(async () => {
  await set?.stop();
  await collector?.[Symbol.asyncDispose]();
});

test("an export's hops in both clusters meet in one trace at the collector, and count in each one's metrics", async () => {
  const [a, b] = [set.cluster(0), set.cluster(1)];
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  await web.deploy(a, ["10.1.240.1"]);
  await web.export(a);
  await set.eventually(
    "an endpoint",
    () => b.backends(web.namespace, web.name),
    (is) => is.length === 1,
  );
  const traces = await set.eventually(
    "a trace with all hops",
    () => Promise.resolve(Map.groupBy(collector.spans, ({ traceId }) => traceId)),
    (is) => [...is.values()].some((spans) => new Set(spans.map(({ name }) => name)).size === 3),
  );
  const [whole = []] = [...traces.values()].filter((spans) => spans.length >= 3);
  const of = (name: string) => whole.find((span) => span.name === name);
  expect(of("stored")?.resource).toMatchObject({
    "service.name": "isthmus-controllers",
    "isthmus.cluster": a.id,
  });
  expect(of("received")).toMatchObject({
    parentSpanId: of("stored")?.spanId,
    resource: { "isthmus.cluster": b.id },
  });
  expect(of("applied")).toMatchObject({
    parentSpanId: of("received")?.spanId,
    resource: { "isthmus.cluster": b.id },
  });
  const hops = async (port: number): Promise<readonly string[]> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const counts = text.matchAll(/propagation_seconds_count\{hop="(\w+)"\} [1-9]/g);
    return [...counts].map(([, hop = ""]) => hop).toSorted();
  };
  expect(await hops(a.processes.controllersHealthPort)).toContain("stored");
  expect(await hops(b.processes.controllersHealthPort)).toEqual(["applied", "received"]);
});
