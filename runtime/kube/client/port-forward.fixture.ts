import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** RFC 6455 section 1.3. */
const WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export interface PortForwardServer extends AsyncDisposable {
  /** Base URL, as of an API server. */
  readonly server: string;
  /** Paths that were asked for, and by whom. */
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
}

/**
 * For tests: what an API server and a node do for `pods/portforward` by WebSocket. A pod's ports are this machine's; pods named
 * `forbidden`, `absent` and `silent` are just that.
 */
export async function startPortForwardServer(): Promise<PortForwardServer> {
  const asked: PortForwardServer["asked"][number][] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("upgrade", (request, stream) => {
    const socket = stream as Socket;
    sockets.add(socket);
    socket.on("error", () => undefined);
    const { authorization } = request.headers;
    const url = new URL(request.url ?? "/", "http://server");
    asked.push({ path: `${url.pathname}${url.search}`, authorization });
    const pod = url.pathname.split("/").at(-2);
    if (pod === "silent") return;
    const status = { forbidden: "403 Forbidden", absent: "404 Not Found" }[pod ?? ""];
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const key = request.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1").update(`${key}${WEB_SOCKET_GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: v4.channel.k8s.io\r\n\r\n`,
    );
    forward(socket, Number(url.searchParams.get("ports")));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    server: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(socket: Socket, port: number): void {
  const head = Buffer.alloc(2);
  head.writeUInt16LE(port);
  const send = (channel: number, bytes: Buffer): void =>
    void socket.write(frameOf(Buffer.concat([Buffer.of(channel), bytes])));
  send(0, head);
  send(1, head);
  const pod = connect(port, "127.0.0.1");
  pod.on("data", (bytes: Buffer) => send(0, bytes));
  pod.on("end", () => socket.end());
  pod.on("error", ({ message }) => {
    send(1, Buffer.from(`error forwarding port ${port}: ${message}`));
    socket.end();
  });
  socket.on("close", () => pod.destroy());
  let held: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    for (let frame = readFrame(held); frame !== undefined; frame = readFrame(held)) {
      held = held.subarray(frame.end);
      if (frame.payload[0] === 0 && frame.isBinary) pod.write(frame.payload.subarray(1));
    }
  });
}

/** RFC 6455 section 5.2: one whole binary message, not masked, as servers send. */
function frameOf(payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126 ? Buffer.of(0x82, length) : Buffer.of(0x82, 126, length >> 8, length & 0xff);
  return Buffer.concat([head, payload]);
}

/** The same, masked, as clients send; undefined: it is not all there. */
function readFrame(
  bytes: Buffer,
): { readonly payload: Buffer; readonly isBinary: boolean; readonly end: number } | undefined {
  if (bytes.length < 8) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const [start, length] = short === 126 ? [4, bytes.readUInt16BE(2)] : [2, short];
  const end = start + 4 + length;
  if (bytes.length < end) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = Buffer.from(bytes.subarray(start + 4, end));
  for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % 4] ?? 0);
  return { payload, isBinary: (bytes.readUInt8(0) & 0x0f) === 2, end };
}
