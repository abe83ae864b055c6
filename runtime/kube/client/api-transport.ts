import type { Agent, IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import { parseJson } from "../../../api/json.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import { backoffMs } from "../../backoff/backoff.ts";
import type { Clock } from "../../clock/clock.ts";
import { DeadlineError, deadline } from "../../clock/deadline.ts";
import { sleep } from "../../clock/sleep.ts";
import type { Counter, Histogram, Meter } from "../../metrics/meter.ts";
import type { Random } from "../../random/random.ts";
import type { KubeError } from "../kube-error.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { fromConnectionError } from "./connection-error.ts";
import { fromErrorAnswer } from "./status-error.ts";

export interface ApiRequest {
  /** For metrics: get, list, watch, create, ... */
  readonly verb: string;
  /** For metrics: `plural`, `plural.group` or either with `/subresource`, as in an RBAC rule. */
  readonly target: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** @default JSON */
  readonly accept?: string;
}

export interface ApiTransportOptions {
  readonly userAgent: string;
  readonly maxBodyBytes: number;
}

export interface ApiTransportDeps {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
}

/** On top of what the server asks for, so that a crowd that was put off does not come back as one. */
const PUT_OFF = { firstMs: 100, maxMs: 2_000 };
const ERROR_BODY_BYTES_MAX = 256 * 1024;
const TCP_KEEPALIVE_MS = 30_000;
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A request that got an answer which is not the one awaited, or none. `reused` says that an idle connection broke. */
interface Failure {
  readonly error: KubeError;
  readonly reused: boolean;
}

/**
 * One HTTP exchange with the API server at a time: credentials, deadlines, error mapping. Knows no objects. There is no
 * rate limit on this side: how much a server can take only it knows, and it says so (429, KEP-1040); callers bound what
 * they have under way.
 */
export class ApiTransport {
  readonly #options: ApiTransportOptions;
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #seconds: Histogram;
  readonly #putOff: Counter;

  constructor(options: ApiTransportOptions, { access, clock, random, meter }: ApiTransportDeps) {
    this.#options = options;
    this.#access = access;
    this.#clock = clock;
    this.#random = random;
    this.#seconds = meter.histogram({
      name: "isthmus_kube_request_seconds",
      help: "Time of requests to the Kubernetes API server, waiting after a 429 included.",
      labels: ["verb", "resource", "outcome"],
      buckets: SECONDS_BUCKETS,
    });
    this.#putOff = meter.counter({
      name: "isthmus_kube_requests_put_off_total",
      help: "Answers 429 of the Kubernetes API server: it has too much to do.",
      labels: ["verb"],
    });
  }

  /** The parsed JSON answer of a short request; one that is put off (429) comes again while its time allows. */
  call(
    request: ApiRequest,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Result<unknown, KubeError>> {
    return this.#called(request, { timeoutMs, signal }, (text) => this.#parse(text));
  }

  /** The same, of an answer that is no JSON. */
  callText(
    request: ApiRequest,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Result<string, KubeError>> {
    return this.#called(request, { timeoutMs, signal }, ok);
  }

  async #called<T>(
    request: ApiRequest,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
    parse: (text: string) => Result<T, KubeError>,
  ): Promise<Result<T, KubeError>> {
    const startMs = this.#clock.monotonicMs();
    using limit = deadline(this.#clock, timeoutMs, signal);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#opened(request, limit.signal, undefined);
      const waitMs = this.#putOffMs(request.verb, answer, attempt);
      const leftMs = startMs + timeoutMs - this.#clock.monotonicMs();
      if (waitMs === undefined || waitMs >= leftMs) {
        const result = answer.ok ? await this.#read(answer.value, limit.signal, parse) : answer;
        this.#observe(request, startMs, result);
        return result;
      }
      await sleep(this.#clock, waitMs, limit.signal);
    }
  }

  /** The answer's stream, once its head is there (within `headTimeoutMs`). The caller destroys it. */
  async open(
    request: ApiRequest,
    headTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<Result<IncomingMessage, KubeError>> {
    const startMs = this.#clock.monotonicMs();
    const answer = await this.#opened(request, signal, headTimeoutMs);
    this.#observe(request, startMs, answer);
    return answer;
  }

  get server(): string {
    return this.#access.server;
  }

  /** Retries once what is certain to be harmless: a rejected credential, or a GET whose idle connection had died. */
  async #opened(
    request: ApiRequest,
    signal: AbortSignal,
    headTimeoutMs: number | undefined,
  ): Promise<Result<IncomingMessage, KubeError>> {
    const first = await this.#attempt(request, signal, headTimeoutMs);
    if (first.ok) return first;
    const { error, reused } = first.error;
    const rejected = error.status === 401 && this.#access.refresh();
    if (!rejected && !(reused && request.method === "GET")) return err(error);
    const second = await this.#attempt(request, signal, headTimeoutMs);
    return second.ok ? second : err(second.error.error);
  }

  async #attempt(
    request: ApiRequest,
    signal: AbortSignal,
    headTimeoutMs: number | undefined,
  ): Promise<Result<IncomingMessage, Failure>> {
    if (signal.aborted) return this.#failed(signal.reason, signal, false);
    const connection = await this.#access.connection(signal);
    if (!connection.ok) return err({ error: connection.error, reused: false });
    const { headers, requestAgent, watchAgent } = connection.value;
    const agent = headTimeoutMs === undefined ? requestAgent : watchAgent;
    const sent = await this.#send(request, { agent, headers, signal, headTimeoutMs });
    if (!sent.ok) return sent;
    const status = sent.value.statusCode ?? 0;
    if (status >= 200 && status < 300) return ok(sent.value);
    const body = await readBody(sent.value, ERROR_BODY_BYTES_MAX).catch(() => undefined);
    const error = fromErrorAnswer(status, body ?? "", sent.value.headers["retry-after"]);
    return err({ error, reused: false });
  }

  #send(
    request: ApiRequest,
    channel: {
      readonly agent: Agent;
      readonly headers: Readonly<Record<string, string>>;
      readonly signal: AbortSignal;
      readonly headTimeoutMs: number | undefined;
    },
  ): Promise<Result<IncomingMessage, Failure>> {
    const { agent, signal, headTimeoutMs } = channel;
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const url = new URL(`${this.#access.server}${request.path}`);
    const headers = {
      ...channel.headers,
      accept: request.accept ?? "application/json",
      "user-agent": this.#options.userAgent,
      ...(body !== undefined && {
        "content-type": request.contentType ?? "application/json",
        "content-length": Buffer.byteLength(body),
      }),
    };
    return new Promise((resolve) => {
      const options = { method: request.method, headers, agent, signal };
      const sent =
        url.protocol === "http:" ? http.request(url, options) : https.request(url, options);
      const headTimer =
        headTimeoutMs === undefined
          ? undefined
          : this.#clock.setTimer(headTimeoutMs, () =>
              sent.destroy(new DeadlineError(`deadline of ${headTimeoutMs} ms passed`)),
            );
      // A peer that vanished without a word is noticed while a watch is quiet.
      sent.setSocketKeepAlive(true, TCP_KEEPALIVE_MS);
      sent.once("response", (response) => {
        headTimer?.cancel();
        resolve(ok(response));
      });
      // Stays for the life of the request: a late error has no other listener. Later resolves are no-ops.
      sent.on("error", (error) => {
        headTimer?.cancel();
        resolve(this.#failed(error, signal, sent.reusedSocket));
      });
      sent.end(body);
    });
  }

  async #read<T>(
    response: IncomingMessage,
    signal: AbortSignal,
    parse: (text: string) => Result<T, KubeError>,
  ): Promise<Result<T, KubeError>> {
    try {
      const text = await readBody(response, this.#options.maxBodyBytes);
      if (text !== undefined) return parse(text);
      const rule = `an answer must be at most ${this.#options.maxBodyBytes} bytes`;
      return err({ kind: "invalid", message: `cannot read from API server: ${rule}` });
    } catch (error) {
      return err(fromConnectionError(error, this.server, signal));
    }
  }

  #parse(text: string): Result<unknown, KubeError> {
    const value = parseJson(text);
    if (value !== undefined) return ok(value);
    const shown = JSON.stringify(text.slice(0, 100));
    const message = `cannot read from API server ${this.server}: must be JSON: got ${shown}`;
    return err({ kind: "unavailable", message });
  }

  #failed(error: unknown, signal: AbortSignal, reused: boolean): Result<never, Failure> {
    const mapped = fromConnectionError(error, this.server, signal);
    return err({ error: mapped, reused: reused && mapped.kind === "unavailable" });
  }

  /** How long to wait before the request may come again; undefined when the server has taken it. */
  #putOffMs(verb: string, answer: Result<unknown, KubeError>, attempt: number): number | undefined {
    if (answer.ok || answer.error.kind !== "throttled") return undefined;
    this.#putOff.add(1, { verb });
    return (answer.error.retryAfterMs ?? 0) + backoffMs(PUT_OFF, attempt, this.#random);
  }

  #observe(
    { verb, target }: ApiRequest,
    startMs: number,
    result: Result<unknown, KubeError>,
  ): void {
    const seconds = (this.#clock.monotonicMs() - startMs) / 1_000;
    const outcome = result.ok ? "ok" : result.error.kind;
    this.#seconds.observe(seconds, { verb, resource: target, outcome });
  }
}

/** The whole body as text; undefined, with the connection cut, when it is longer than the bound. */
async function readBody(response: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // BOUNDED: by maxBytes; leaving the loop destroys the stream.
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
