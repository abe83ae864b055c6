import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import type { Logger } from "../../../../runtime/log/log.ts";
import {
  type AuthenticationOptions,
  authenticate,
  type Credentials,
} from "../../auth/authenticate.ts";
import type { ApiServerCore } from "../../core/api-server-core.ts";
import type { CorePump } from "../../core/core-pump.ts";
import { tooLarge } from "../../object/status-error.ts";
import type { ApiRequest, ApiResponse, BodyResponse, WatchResponse } from "../api-request.ts";
import { handleRequest } from "../handle-request.ts";
import { errorResponse } from "../represent.ts";
import type { ReviewDeps } from "../serve-review.ts";
import { WatchStream } from "./watch-stream.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** PEM; client certificates that it signed name their users. */
  readonly clientCa: string;
  readonly authentication: AuthenticationOptions & ReviewDeps;
}

export interface HttpServerDeps {
  readonly core: ApiServerCore;
  readonly pump: CorePump;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Bytes of a request body; the real server's limit. */
const BODY_MAX_BYTES = 3 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 90_000;

/** The API over HTTPS: reads requests, finds out who sends them, writes answers and watch streams. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #deps: HttpServerDeps;
  readonly #server: Server;
  /** BOUNDED: by the watches that the core allows. */
  readonly #streams = new Set<WatchStream>();
  /** Those that are still in their handshake, too. BOUNDED: by what the machine lets us open. */
  readonly #sockets = new Set<Duplex>();

  constructor(options: HttpServerOptions, deps: HttpServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#server = createServer({
      cert: options.tls.certificate,
      key: options.tls.key,
      ca: options.clientCa,
      requestCert: true,
      // A client without a certificate may bring a token, or stay anonymous.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (request, response) => {
      this.#serve(request, response).catch((failure: unknown) => this.#failed(response, failure));
    });
  }

  /** Listens; gives the port. */
  async listen(): Promise<number> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : this.#options.port;
  }

  /** Ends watches, finishes no others: bounded in time. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const stream of this.#streams) stream.end();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) {
      const error = tooLarge(`Request entity too large: limit is ${BODY_MAX_BYTES}`);
      write(response, errorResponse(error));
      return;
    }
    const { core, clock, pump } = this.#deps;
    const nowMs = clock.nowMs();
    const credentials = credentialsOf(request);
    const user = authenticate(credentials, this.#options.authentication, nowMs);
    if (!user.ok) {
      write(response, errorResponse(user.error));
      return;
    }
    const asked = apiRequest(request, body);
    const answer = handleRequest(
      core,
      { ...asked, user: user.value, nowMs },
      this.#options.authentication,
    );
    if (answer.kind === "watch") this.#stream(answer, response);
    else write(response, answer);
    pump.notice();
  }

  #stream(answer: WatchResponse, response: ServerResponse): void {
    const stream = new WatchStream(answer, {
      response,
      log: this.#deps.log,
      onClosed: () => void this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    stream.open(this.#deps.clock.nowMs());
  }

  #failed(response: ServerResponse, failure: unknown): void {
    this.#deps.log.error("request failed", { err: failure });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const message = "Internal error occurred: the server failed to answer";
    write(response, errorResponse({ code: 500, reason: "InternalError", message, details: {} }));
  }
}

/** Undefined when the body is over the limit; the rest of it is read and dropped, so that the answer arrives. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size <= BODY_MAX_BYTES) chunks.push(chunk);
    if (size > BODY_MAX_BYTES * DRAIN_FACTOR) return undefined;
  }
  return size > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks);
}

/** How much of an oversized body is read before the connection is given up, in limits. */
const DRAIN_FACTOR = 4;

function apiRequest(
  request: IncomingMessage,
  body: Uint8Array,
): Omit<ApiRequest, "user" | "nowMs"> {
  const target = request.url ?? "/";
  const mark = target.indexOf("?");
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(",") : value;
  }
  return {
    method: request.method ?? "GET",
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
    headers,
    body,
  };
}

function credentialsOf(request: IncomingMessage): Credentials {
  const { authorization } = request.headers;
  const certificate = certificateOf(request.socket as TLSSocket);
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** Reading a certificate costs as much as a small request, and a connection has one. */
const certificates = new WeakMap<TLSSocket, Credentials["certificate"]>();

function certificateOf(socket: TLSSocket): Credentials["certificate"] {
  if (!socket.authorized) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const certificate = readCertificate(socket);
  certificates.set(socket, certificate);
  return certificate;
}

function readCertificate(socket: TLSSocket): Credentials["certificate"] {
  const subject = socket.getPeerCertificate().subject as
    | { readonly CN?: string | string[]; readonly O?: string | string[] }
    | undefined;
  const [commonName] = [subject?.CN ?? []].flat();
  if (commonName === undefined) return undefined;
  return { commonName, organizations: [subject?.O ?? []].flat() };
}

function write(response: ServerResponse, answer: BodyResponse): void {
  const bytes = Buffer.from(answer.body, "utf8");
  response.writeHead(answer.status, headersOf(answer, { "content-length": bytes.length }));
  response.end(bytes);
}

function headersOf(
  answer: ApiResponse,
  more: Readonly<Record<string, string | number>>,
): Record<string, string | number | string[]> {
  const headers: Record<string, string | number | string[]> = {
    "cache-control": "no-cache, private",
    ...more,
  };
  for (const [name, value] of Object.entries(answer.headers)) {
    headers[name] = typeof value === "string" ? value : [...value];
  }
  return headers;
}
