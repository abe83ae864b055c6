import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** As OTLP's JSON encoding has it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  /** Attributes of who sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** For tests: takes spans as an OpenTelemetry collector does, by OTLP over HTTP. */
export interface CollectorStub extends AsyncDisposable {
  readonly endpoint: string;
  readonly spans: ReceivedSpan[];
  /** What it answers from now on. */
  answer(status: number): void;
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string };
      }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<ReceivedSpan, "resource">[] }[];
  }[];
}

export async function startCollectorStub(host = "127.0.0.1"): Promise<CollectorStub> {
  const spans: ReceivedSpan[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isOtlp =
        request.method === "POST" &&
        request.url === "/v1/traces" &&
        request.headers["content-type"] === "application/json";
      if (isOtlp && status === 200) {
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Request;
        for (const { resource, scopeSpans } of resourceSpans) {
          const who = Object.fromEntries(
            resource.attributes.map(({ key, value }) => [key, value.stringValue]),
          );
          for (const { spans: sent } of scopeSpans) {
            spans.push(...sent.map((span) => ({ ...span, resource: who })));
          }
        }
      }
      response.writeHead(isOtlp ? status : 404).end("{}");
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://${host}:${port}`,
    spans,
    answer: (next) => {
      status = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
