import type { Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { ByteReader } from "../byte-reader.ts";
import { canonicalIp } from "../canonical-ip.ts";
import { bindUdp } from "../loopback.ts";
import { decodeDatagram, decodeMethodChoice, decodeReply } from "../socks/decode.ts";
import { encodeDatagram, encodeGreeting, encodeRequest } from "../socks/encode.ts";
import { COMMAND, METHOD, type SocksAddress, type SocksReply } from "../socks/socks-message.ts";

const LIMIT_MS = 5000;

/** A client's view of a SOCKS5 entry, for tests: one request, and the socket after the reply. */
async function socksRequest(
  entry: string,
  command: number,
  host: string,
  port: number,
): Promise<{ readonly reply: SocksReply; readonly socket: Socket }> {
  const [entryHost = "", entryPort = ""] = entry.split(":");
  const socket = createConnection({
    host: entryHost,
    port: Number(entryPort),
    allowHalfOpen: true,
    noDelay: true,
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(encodeGreeting([METHOD.none]));
  const reader = new ByteReader(socket);
  const signal = AbortSignal.timeout(LIMIT_MS);
  await reader.read("method choice", decodeMethodChoice, signal);
  socket.write(encodeRequest({ command, address: toAddress(host, port) }));
  const reply = await reader.read("reply", decodeReply, signal);
  if (!reply.ok) throw new Error(reply.error);
  reader.release();
  return { reply: reply.value, socket };
}

/** A connected socket; throws with the reply code when there is none. */
export async function socksConnect(entry: string, host: string, port: number): Promise<Socket> {
  const { reply, socket } = await socksRequest(entry, COMMAND.connect, host, port);
  if (reply.code !== 0) throw new Error(`SOCKS reply ${reply.code}`);
  return socket;
}

/** The reply code of a CONNECT; the connection is dropped. */
export async function connectCode(entry: string, host: string, port: number): Promise<number> {
  const { reply, socket } = await socksRequest(entry, COMMAND.connect, host, port);
  socket.destroy();
  return reply.code;
}

/** Everything until the other side's FIN. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** A UDP association; datagrams in and out as a client sees them. */
export class TestAssociation {
  readonly control: Socket;
  readonly #socket: UdpSocket;
  readonly #relayPort: number;
  readonly #received: { readonly from: SocksAddress; readonly text: string }[] = [];
  #wake: () => void = () => undefined;

  static async open(entry: string): Promise<TestAssociation> {
    const { reply, socket } = await socksRequest(entry, COMMAND.udpAssociate, "0.0.0.0", 0);
    if (reply.code !== 0) throw new Error(`SOCKS reply ${reply.code}`);
    const bound = await bindUdp("127.0.0.1");
    if (!bound.ok) throw new Error(bound.error.message);
    return new TestAssociation(socket, bound.value, reply.bound.port);
  }

  private constructor(control: Socket, socket: UdpSocket, relayPort: number) {
    this.control = control;
    this.#socket = socket;
    this.#relayPort = relayPort;
    control.resume();
    socket.on("message", (bytes) => {
      const datagram = decodeDatagram(bytes);
      if (datagram === undefined) return;
      const text = Buffer.from(datagram.payload).toString("latin1");
      this.#received.push({ from: datagram.address, text });
      this.#wake();
    });
  }

  send(host: string, port: number, text: string): void {
    this.sendRaw(encodeDatagram(toAddress(host, port), Buffer.from(text, "latin1")));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#relayPort, "127.0.0.1");
  }

  async receive(): Promise<{ readonly from: SocksAddress; readonly text: string }> {
    for (;;) {
      const next = this.#received.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Sends and waits for the answer. */
  ask(host: string, port: number, text: string): ReturnType<TestAssociation["receive"]> {
    this.send(host, port, text);
    return this.receive();
  }

  close(): void {
    this.control.destroy();
    this.#socket.close();
  }
}

function toAddress(host: string, port: number): SocksAddress {
  const ip = canonicalIp(host);
  return ip === undefined ? { kind: "name", host, port } : { kind: "ip", host: ip, port };
}
