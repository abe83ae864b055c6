import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { makeFolder } from "../files/make-folder.ts";
import { ADMIN_ROUTES, type AdminRoute } from "./admin-api.ts";

/** Answers by route; a request's body has been parsed as JSON and not looked at. An error is the caller's or the broker's. */
export type AdminHandlers = Readonly<
  Record<AdminRoute, (body: unknown) => Promise<Result<unknown, string>>>
>;

interface Deps {
  readonly handlers: AdminHandlers;
  readonly log: Logger;
}

const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 5000;
const MAX_BODY_BYTES = 16 * 1024;
/** sun_path on Linux, its terminating zero excluded. */
const MAX_PATH_BYTES = 107;
/** Only the owner of the data folder connects. */
const UMASK = 0o177;

/** The broker's admin socket: a Unix socket that only the broker's own user may use, since whoever connects is obeyed. */
export class AdminServer {
  readonly #path: string;
  readonly #deps: Deps;
  readonly #server: Server;

  constructor(path: string, deps: Deps) {
    this.#path = path;
    this.#deps = deps;
    const limits = {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 1,
      maxHeaderSize: 8 * 1024,
    };
    this.#server = createServer(limits, (request, response) => {
      void this.#serve(request, response).catch((error: unknown) => {
        deps.log.error("admin request failed", { err: error });
        answer(response, 500, { error: "the broker failed: see its log" });
      });
    });
    // BOUNDED: more are closed at once.
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** The caller is the only broker of the socket's folder: a socket that is there is one that a crash has left. */
  async start(): Promise<Result<void, string>> {
    const path = this.#path;
    const bytes = Buffer.byteLength(path);
    if (bytes > MAX_PATH_BYTES) {
      return err(
        `cannot open admin socket: path must be at most ${MAX_PATH_BYTES} bytes: got ${bytes}: ${path}`,
      );
    }
    try {
      await makeFolder(dirname(path));
      rmSync(path, { force: true });
      await this.#listen();
      return ok(undefined);
    } catch (error) {
      return err(
        `cannot open admin socket: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Ends at once, requests under way included; the socket goes. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    rmSync(this.#path, { force: true });
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      // The socket is made within this call, so it never has a wider mode.
      const before = process.umask(UMASK);
      try {
        this.#server.listen(this.#path, () => {
          this.#server.off("error", reject);
          this.#server.on("error", (error) =>
            this.#deps.log.error("admin socket failed", { err: error }),
          );
          resolve();
        });
      } finally {
        process.umask(before);
      }
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.method} ${request.url}`;
    const route = routeOf(asked);
    if (route === undefined) {
      answer(response, 404, { error: `no such question: ${asked.slice(0, 100)}` });
      return;
    }
    const body = await readBody(request);
    if (!body.ok) {
      answer(response, 400, { error: body.error });
      return;
    }
    const answered = await this.#deps.handlers[route](body.value);
    if (answered.ok) answer(response, 200, answered.value);
    else answer(response, 409, { error: answered.error });
  }
}

/** A handler whose question must have this shape. */
export function asking<S extends z.ZodType>(
  schema: S,
  act: (question: z.output<S>) => Promise<Result<unknown, string>>,
): (body: unknown) => Promise<Result<unknown, string>> {
  return (body) => {
    const parsed = schema.safeParse(body);
    return parsed.success
      ? act(parsed.data)
      : Promise.resolve(err(`cannot read question: ${z.prettifyError(parsed.error)}`));
  };
}

function routeOf(asked: string): AdminRoute | undefined {
  const entries = Object.entries(ADMIN_ROUTES) as [AdminRoute, string][];
  return entries.find(([, text]) => text === asked)?.[0];
}

async function readBody(request: IncomingMessage): Promise<Result<unknown, string>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk as Uint8Array);
    bytes += buffer.length;
    if (bytes > MAX_BODY_BYTES) {
      return err(`question must be at most ${MAX_BODY_BYTES} bytes: got more`);
    }
    chunks.push(buffer);
  }
  if (bytes === 0) return ok({});
  try {
    return ok(JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown);
  } catch {
    return err(`question must be JSON: got ${bytes} bytes of something else`);
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(`${JSON.stringify(body)}\n`);
}
