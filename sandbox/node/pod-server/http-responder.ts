import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { answerHttp, type HttpAnswer } from "./answer-http.ts";
import type { PodIdentity } from "./pod-identity.ts";

const CHUNK = new Uint8Array(64 * 1024).fill(0x78);

/** Answers HTTP/1.1 on sockets handed to it; it listens nowhere itself. */
export class HttpResponder {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();

  constructor(
    identity: PodIdentity,
    port: number,
    deps: { readonly clock: Clock; readonly clientIpOf: (socket: Socket) => string | undefined },
  ) {
    this.#clock = deps.clock;
    this.#server = createServer((request, response) => {
      const question = {
        method: request.method ?? "",
        target: request.url ?? "/",
        host: request.headers.host,
        accept: request.headers.accept,
        clientIp: deps.clientIpOf(request.socket),
        port,
      };
      request.resume();
      this.#respond(answerHttp(question, identity), request, response).catch(() =>
        request.socket.destroy(),
      );
    });
  }

  /** `socket` is paused, its first bytes back in its buffer. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket);
    socket.resume();
  }

  stop(): void {
    this.#stopping.abort();
    this.#server.closeAllConnections();
  }

  async #respond(
    answer: HttpAnswer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (answer.delayMs > 0) await sleep(this.#clock, answer.delayMs, this.#stopping.signal);
    const { body } = answer;
    const size = body.kind === "text" ? Buffer.byteLength(body.text) : body.sizeBytes;
    response.writeHead(answer.status, {
      "content-type": answer.contentType,
      "content-length": size,
    });
    if (request.method === "HEAD") response.end();
    else if (body.kind === "text") response.end(body.text);
    else await fill(response, size);
  }
}

/** Writes as fast as the reader takes it, and stops when it has gone. */
async function fill(response: ServerResponse, size: number): Promise<void> {
  let left = size;
  while (left > 0 && !response.destroyed) {
    const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
    left -= chunk.length;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      response.removeListener("drain", finish);
      response.removeListener("close", finish);
      resolve();
    };
    response.once("drain", finish);
    response.once("close", finish);
  });
}
