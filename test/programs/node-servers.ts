import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { type handleBidiStreamingCall, Server, ServerCredentials } from "@grpc/grpc-js";
import type { RealServer } from "./debian-servers.ts";

/** Starts a server of Node's, or of a library for it. @param port 0: any */
export type StartNodeServer = (host: string, port: number) => Promise<RealServer>;

/** Answers a POST with the SHA-256 of its body, anything else with three million bytes. */
export const serveHttp: StartNodeServer = (host, port) =>
  listen(
    createHttpServer((request, response) => {
      const hash = createHash("sha256");
      request.on("data", (chunk: Buffer) => hash.update(chunk));
      request.on("end", () => {
        response.end(request.method === "POST" ? hash.digest("hex") : "y".repeat(3_000_000));
      });
    }),
    host,
    port,
  );

/** HTTP/2 without TLS: says version and path ten thousand times. */
export const serveHttp2: StartNodeServer = (host, port) =>
  listen(
    createHttp2Server((request, response) => {
      response.end(`${request.httpVersion} ${request.url} `.repeat(10_000));
    }),
    host,
    port,
  );

const plain = (bytes: Buffer): Buffer => bytes;

/** A gRPC method of streams both ways, whose messages are bytes. */
export const TALK = {
  path: "/shop.Echo/Talk",
  requestStream: true,
  responseStream: true,
  requestSerialize: plain,
  requestDeserialize: plain,
  responseSerialize: plain,
  responseDeserialize: plain,
} as const;

/** Answers each message of a stream. */
export const serveGrpc: StartNodeServer = async (host, port) => {
  const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on("data", (message: Buffer) => call.write(Buffer.from(`re: ${message.toString()}`)));
    call.on("end", () => call.end());
  };
  const server = new Server();
  server.addService({ talk: TALK }, { talk });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error === null ? resolve(at) : reject(error),
    );
  });
  return { port: bound, stop: async () => server.forceShutdown() };
};

const OPCODE_CLOSE = 8;

/** A WebSocket server (RFC 6455) that says back each short text message. */
export const serveWebSocket: StartNodeServer = (host, port) => {
  const server = createHttpServer();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      // FIN and opcode, mask bit and a length below 126, four bytes of mask, payload.
      for (;;) {
        const [first = 0, second = 0] = held;
        const end = 6 + (second & 0x7f);
        if (held.length < end) return;
        const mask = held.subarray(2, 6);
        const payload = held.subarray(6, end).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
        socket.write(Buffer.concat([Uint8Array.of(first, payload.length), payload]));
        if ((first & 0xf) === OPCODE_CLOSE) socket.end();
        held = held.subarray(end);
      }
    });
  });
  return listen(server, host, port);
};

async function listen(server: NetServer, host: string, port: number): Promise<RealServer> {
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => void server.close(),
  };
}
