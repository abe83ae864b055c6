import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Result } from "../../api/result.ts";
import { err, ok } from "../../api/result.ts";
import type { Logger } from "../log/log.ts";
import type { ListenAddress } from "../net/listen-address.ts";
import { listenErrorText } from "../net/listen-error.ts";

/** One fact about the process: a word on why it is well, or the reason why it is not. Must not block. */
export type HealthCheck = () => Result<string, string>;

/** By name; the names appear in the answer. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

/** What `/metrics` serves; PrometheusMeter is one. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface HealthServerOptions {
  readonly listen: ListenAddress;
  /** Failing means: restart me. Checks only what a restart mends. */
  readonly livez: HealthChecks;
  /** Failing means: my answers are not right (yet). */
  readonly readyz: HealthChecks;
}

export interface HealthServerDeps {
  readonly log: Logger;
  /** Without it `/metrics` is 404. */
  readonly metrics?: MetricsSource;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

/**
 * Plain HTTP for probes and scrapes: `/livez`, `/readyz`, `/metrics`. 200 when every check holds, else 503;
 * the body lists each check with its reason, in the manner of the Kubernetes API server.
 */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #deps: HealthServerDeps;
  #server: Server | undefined;

  constructor(options: HealthServerOptions, deps: HealthServerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Binds; the bound address on success, words for the operator otherwise. */
  start(): Promise<Result<ListenAddress, string>> {
    const { listen } = this.#options;
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: REQUEST_TIMEOUT_MS,
      },
      (request, response) => void this.#serve(request, response),
    );
    // BOUNDED: by MAX_CONNECTIONS; more are closed at once.
    server.maxConnections = MAX_CONNECTIONS;
    this.#server = server;
    return new Promise((resolve) => {
      server.once("error", (error) => resolve(err(listenErrorText(listen, error))));
      server.listen({ ...listen }, () => resolve(ok(boundAddress(server, listen))));
    });
  }

  /** Closes at once, open connections included. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || !server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A body is never read: the answer closes the exchange and the server's timeouts bound the rest.
    const answer = await this.#answer(request).catch((error: unknown): Answer => {
      this.#deps.log.error("health answer failed", { url: request.url, err: error });
      return { status: 500, body: "cannot answer: internal error\n" };
    });
    response.writeHead(answer.status, {
      "content-type": answer.contentType ?? "text/plain; charset=utf-8",
      "content-length": Buffer.byteLength(answer.body),
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { status: 405, body: "method must be GET or HEAD\n" };
    }
    const path = (request.url ?? "/").split("?", 1)[0];
    if (path === "/livez") return runChecks("livez", this.#options.livez);
    if (path === "/readyz") return runChecks("readyz", this.#options.readyz);
    const { metrics } = this.#deps;
    if (path === "/metrics" && metrics !== undefined) {
      return { status: 200, body: await metrics.text(), contentType: metrics.contentType };
    }
    return { status: 404, body: "not found: try /livez, /readyz or /metrics\n" };
  }
}

function runChecks(title: string, checks: HealthChecks): Answer {
  let healthy = true;
  const lines = Object.entries(checks).map(([name, check]) => {
    const outcome = runCheck(check);
    healthy &&= outcome.ok;
    return outcome.ok ? `[+]${name} ok: ${outcome.value}` : `[-]${name} failed: ${outcome.error}`;
  });
  lines.push(`${title} check ${healthy ? "passed" : "failed"}`);
  return { status: healthy ? 200 : 503, body: `${lines.join("\n")}\n` };
}

/** A check that throws is a failed check: a probe must not take the process down. */
function runCheck(check: HealthCheck): Result<string, string> {
  try {
    return check();
  } catch (error) {
    return err(`check threw: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function boundAddress(server: Server, listen: ListenAddress): ListenAddress {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? { ...listen, port: bound.port } : listen;
}
