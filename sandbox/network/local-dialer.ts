import type { Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { Destination, DialError, Dialer, DialOptions, UdpFlow, UdpOptions } from "./dialer.ts";
import { bindUdp, connectTcp } from "./loopback.ts";
import type { AddressSockets, PodDirectory, Transport } from "./pod-directory.ts";

const LOOPBACK = "127.0.0.1";
const CONNECT_TIMEOUT_MS = 5000;

/** Reaches the pods of this member, and nothing else: each cluster address through its loopback socket. */
export class LocalDialer implements Dialer {
  readonly #directory: PodDirectory;
  readonly #clock: Clock;

  constructor(directory: PodDirectory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async dialTcp(to: Destination, options: DialOptions): Promise<Result<Socket, DialError>> {
    const target = this.#find("tcp", to);
    if (!target.ok) return target;
    using limit = deadline(this.#clock, CONNECT_TIMEOUT_MS, options.signal);
    const connected = await connectTcp(
      { host: target.value.sockets.host ?? LOOPBACK, port: target.value.port },
      limit.signal,
    );
    if (connected.ok) announce(target.value.sockets, "tcp", connected.value, options.clientIp);
    return connected;
  }

  async openUdp(to: Destination, options: UdpOptions): Promise<Result<UdpFlow, DialError>> {
    const target = this.#find("udp", to);
    if (!target.ok) return target;
    const bound = await bindUdp(LOOPBACK);
    if (!bound.ok) return bound;
    const socket = bound.value;
    const { sockets, port } = target.value;
    const loopbackPort = socket.address().port;
    sockets.onClient?.("udp", loopbackPort, options.clientIp);
    socket.on("close", () => sockets.onClient?.("udp", loopbackPort, undefined));
    socket.on("message", (payload, from) => {
      if (from.port === port) options.onDatagram(payload);
    });
    return ok(new LoopbackFlow(socket, port));
  }

  #find(
    transport: Transport,
    to: Destination,
  ): Result<{ readonly sockets: AddressSockets; readonly port: number }, DialError> {
    const sockets = this.#directory.lookup(to.ip);
    if (sockets === undefined) {
      return err({ kind: "host-unreachable", message: `no pod has the address ${to.ip}` });
    }
    const port = sockets[transport].get(to.port);
    if (port === undefined) {
      const message = `the pod at ${to.ip} has no ${transport} port ${to.port}`;
      return err({ kind: "refused", message });
    }
    return ok({ sockets, port });
  }
}

function announce(
  sockets: AddressSockets,
  transport: Transport,
  socket: Socket,
  clientIp: string,
): void {
  const loopbackPort = socket.localPort;
  if (loopbackPort === undefined) return;
  sockets.onClient?.(transport, loopbackPort, clientIp);
  socket.once("close", () => sockets.onClient?.(transport, loopbackPort, undefined));
}

class LoopbackFlow implements UdpFlow {
  readonly #socket: UdpSocket;
  readonly #port: number;
  #closed = false;

  constructor(socket: UdpSocket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(payload: Uint8Array): void {
    if (!this.#closed) this.#socket.send(payload, this.#port, LOOPBACK, () => undefined);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}
