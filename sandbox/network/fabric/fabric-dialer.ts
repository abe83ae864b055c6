import type { Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import { ByteReader } from "../byte-reader.ts";
import type {
  Destination,
  DialError,
  Dialer,
  DialOptions,
  UdpFlow,
  UdpOptions,
} from "../dialer.ts";
import { bindUdp, connectTcp, type HostPort } from "../loopback.ts";
import {
  decodeAuthStatus,
  decodeDatagram,
  decodeMethodChoice,
  decodeReply,
} from "../socks/decode.ts";
import {
  encodeCredentials,
  encodeDatagram,
  encodeGreeting,
  encodeRequest,
} from "../socks/encode.ts";
import { COMMAND, METHOD, REPLY, type SocksAddress } from "../socks/socks-message.ts";

const DIAL_TIMEOUT_MS = 8000;

interface Opened {
  readonly socket: Socket;
  readonly bound: SocksAddress;
}

/**
 * Reaches a peer member's pods through its fabric, which speaks SOCKS5. The username carries the
 * client's cluster address, so that pods see who really called.
 */
export class FabricDialer implements Dialer {
  readonly #fabric: HostPort;
  readonly #clock: Clock;

  constructor(fabric: HostPort, clock: Clock) {
    this.#fabric = fabric;
    this.#clock = clock;
  }

  async dialTcp(to: Destination, options: DialOptions): Promise<Result<Socket, DialError>> {
    const opened = await this.#request(COMMAND.connect, to, options);
    return opened.ok ? ok(opened.value.socket) : opened;
  }

  async openUdp(to: Destination, options: UdpOptions): Promise<Result<UdpFlow, DialError>> {
    const anywhere: Destination = { ip: "0.0.0.0", port: 0 };
    const opened = await this.#request(COMMAND.udpAssociate, anywhere, options);
    if (!opened.ok) return opened;
    const bound = await bindUdp(this.#fabric.host.includes(":") ? "::1" : "127.0.0.1");
    if (!bound.ok) {
      opened.value.socket.destroy();
      return bound;
    }
    const relay: HostPort = { host: this.#fabric.host, port: opened.value.bound.port };
    return ok(
      new FabricFlow({ to, relay, control: opened.value.socket, socket: bound.value }, options),
    );
  }

  async #request(
    command: number,
    to: Destination,
    options: DialOptions,
  ): Promise<Result<Opened, DialError>> {
    using limit = deadline(this.#clock, DIAL_TIMEOUT_MS, options.signal);
    const connected = await connectTcp(this.#fabric, limit.signal);
    if (!connected.ok) {
      // The peer's way in is down: its network is, not one host of it.
      return err({ kind: "network-unreachable", message: connected.error.message });
    }
    const socket = connected.value;
    socket.on("error", () => undefined);
    socket.write(handshake(command, to, options.clientIp));
    const opened = await readReplies(socket, limit.signal);
    if (!opened.ok) socket.destroy();
    return opened;
  }
}

/** The whole handshake at once: the fabric has one way to proceed, so nothing needs to be waited for. */
function handshake(command: number, to: Destination, clientIp: string): Uint8Array {
  return Buffer.concat([
    encodeGreeting([METHOD.usernamePassword]),
    encodeCredentials({ username: clientIp, password: "-" }),
    encodeRequest({ command, address: { kind: "ip", host: to.ip, port: to.port } }),
  ]);
}

async function readReplies(
  socket: Socket,
  signal: AbortSignal,
): Promise<Result<Opened, DialError>> {
  const failed = (message: string): Result<Opened, DialError> =>
    err({ kind: signal.aborted ? "timeout" : "failed", message: `fabric: ${message}` });
  const reader = new ByteReader(socket);
  const method = await reader.read("method choice", decodeMethodChoice, signal);
  if (!method.ok) return failed(method.error);
  if (method.value !== METHOD.usernamePassword) return failed(`it chose method ${method.value}`);
  const status = await reader.read("authentication status", decodeAuthStatus, signal);
  if (!status.ok) return failed(status.error);
  if (status.value !== 0) return failed(`it refused us with status ${status.value}`);
  const reply = await reader.read("reply", decodeReply, signal);
  if (!reply.ok) return failed(reply.error);
  if (reply.value.code !== REPLY.succeeded) return err(fromReply(reply.value.code));
  reader.release();
  return ok({ socket, bound: reply.value.bound });
}

function fromReply(code: number): DialError {
  const message = `fabric: it replied with code ${code}`;
  switch (code) {
    case REPLY.refused:
      return { kind: "refused", message };
    case REPLY.hostUnreachable:
      return { kind: "host-unreachable", message };
    case REPLY.networkUnreachable:
      return { kind: "network-unreachable", message };
    case REPLY.ttlExpired:
      return { kind: "timeout", message };
    default:
      return { kind: "failed", message };
  }
}

interface FlowParts {
  readonly to: Destination;
  readonly relay: HostPort;
  /** RFC 1928 section 7: the association lives as long as this connection. */
  readonly control: Socket;
  readonly socket: UdpSocket;
}

class FabricFlow implements UdpFlow {
  readonly #parts: FlowParts;
  #closed = false;

  constructor(parts: FlowParts, options: UdpOptions) {
    this.#parts = parts;
    parts.control.on("close", () => this.close());
    parts.control.on("end", () => this.close());
    parts.control.resume();
    parts.socket.on("message", (bytes, from) => {
      if (from.port !== parts.relay.port) return;
      const datagram = decodeDatagram(bytes);
      if (datagram !== undefined && datagram.fragment === 0) options.onDatagram(datagram.payload);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(payload: Uint8Array): void {
    if (this.#closed) return;
    const { to, relay, socket } = this.#parts;
    const bytes = encodeDatagram({ kind: "ip", host: to.ip, port: to.port }, payload);
    socket.send(bytes, relay.port, relay.host, () => undefined);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.socket.close();
    this.#parts.control.destroy();
  }
}
