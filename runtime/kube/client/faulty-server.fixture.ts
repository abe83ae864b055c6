import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** An "API server" that does to its clients whatever a test wants. */
export class FaultyServer {
  readonly seen: SeenRequest[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #answer: Answer = (response) => response.end("{}");

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on("connection", (socket) => this.#sockets.add(socket));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve()));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  answer(answer: Answer): void {
    this.#answer = answer;
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.#sockets.size;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cutAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const seen = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body,
    };
    this.seen.push(seen);
    this.#answer(response, seen);
  }
}

/** Answers with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Answers with a metav1.Status. */
export function status(code: number, reason: string, details: unknown = {}): Answer {
  return json(code, {
    kind: "Status",
    apiVersion: "v1",
    message: `it is ${reason}`,
    reason,
    details,
    code,
  });
}

/** Sends parts of a watch, then ends as told. */
export function stream(parts: readonly string[], end: "clean" | "cut" | "never"): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    for (const part of parts) response.write(part);
    if (end === "clean") response.end();
    // Cut only after the bytes are out, else they are lost with the socket.
    if (end === "cut") response.write("", () => response.destroy());
  };
}
