import { expect, test } from "vitest";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { silentLogger } from "../log/silent-log.ts";
import { PrometheusMeter } from "../metrics/prometheus-meter.ts";
import { OtlpTracer } from "./otlp-tracer.ts";
import type { Span } from "./tracer.ts";

const span = (name: string): Span => ({
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  name,
  startMs: 1_700_000_000_123,
  endMs: 1_700_000_000_125.5,
  attributes: { text: "a", number: 1.5 },
});

/** A tracer whose collector says what `answers` says, in turn, and then that all is well. */
function world(answers: readonly (string | undefined)[] = []) {
  const clock = new VirtualClock();
  const meter = new PrometheusMeter();
  const requests: object[] = [];
  const left = [...answers];
  const post = (request: object) => {
    const problem = left.shift();
    if (problem === undefined) requests.push(request);
    return Promise.resolve(problem);
  };
  const deps = { clock, meter, log: silentLogger, post };
  const tracer = new OtlpTracer({ resource: { "service.name": "test" } }, deps);
  const stop = new AbortController();
  const running = tracer.run(stop.signal);
  const end = (): Promise<void> => {
    stop.abort();
    return running;
  };
  return { clock, meter, requests, tracer, end };
}

const namesIn = (requests: readonly object[]): readonly string[] =>
  [...JSON.stringify(requests).matchAll(/"name":"(\d+)"/g)].map(([, name = ""]) => name);

test("spans are what OTLP's JSON encoding has them as", async () => {
  const { clock, requests, tracer, end } = world();
  tracer.span({ ...span("first"), parentSpanId: "00f067aa0ba902b7" });
  await clock.advance(2_000);
  expect(requests).toEqual([
    {
      resourceSpans: [
        {
          resource: {
            attributes: [{ key: "service.name", value: { stringValue: "test" } }],
          },
          scopeSpans: [
            {
              scope: { name: "isthmus" },
              spans: [
                {
                  traceId: "0af7651916cd43dd8448eb211c80319c",
                  spanId: "b7ad6b7169203331",
                  parentSpanId: "00f067aa0ba902b7",
                  name: "first",
                  kind: 1,
                  startTimeUnixNano: "1700000000123000000",
                  endTimeUnixNano: "1700000000125500000",
                  attributes: [
                    { key: "text", value: { stringValue: "a" } },
                    { key: "number", value: { doubleValue: 1.5 } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    },
  ]);
  await end();
});

test("what a collector does not take comes again, in order, each once", async () => {
  const { clock, requests, tracer, end } = world(["it is away", "it is away"]);
  for (let index = 0; index < 600; index += 1) tracer.span(span(`${index}`));
  await clock.advance(4_000);
  expect(requests).toEqual([]);
  await clock.advance(2_000);
  expect(namesIn(requests)).toEqual(Array.from({ length: 600 }, (_, index) => `${index}`));
  await end();
});

test("what is too much is dropped, the oldest first, and counted", async () => {
  const { clock, meter, requests, tracer, end } = world();
  for (let index = 0; index < 4_100; index += 1) tracer.span(span(`${index}`));
  expect(await meter.text()).toContain("isthmus_trace_dropped_spans_total 4");
  await clock.advance(2_000);
  expect(namesIn(requests)).toHaveLength(4_096);
  expect(namesIn(requests)[0]).toBe("4");
  await end();
});

test("a process that stops sends what is left", async () => {
  const { requests, tracer, end } = world();
  tracer.span(span("7"));
  await end();
  expect(namesIn(requests)).toEqual(["7"]);
});
