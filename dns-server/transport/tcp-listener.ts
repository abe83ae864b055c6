import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { AnswerPacket, DropObserver } from "./answer-packet.ts";
import { fromListenError, type ListenError } from "./listen-error.ts";
import { TcpConnection, type TcpConnectionOptions } from "./tcp-connection.ts";

export interface TcpListenerOptions extends ListenAddress, TcpConnectionOptions {
  readonly reusePort: boolean;
  /** Answers one client has not taken; above it its queries wait. */
  readonly unreadBytesMax: number;
  readonly connectionsMax: number;
  /** Of one address; a forwarding resolver is one client with many connections. */
  readonly connectionsPerClientMax: number;
}

export interface TcpListenerDeps {
  readonly answer: AnswerPacket;
  readonly dropped: DropObserver;
  /** Told how many connections are open after each change. */
  readonly connections: (open: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often idle connections are looked for. */
const SWEEP_MS = 1000;
/** How long clients may take to read their last answers when the server stops. */
const DRAIN_MS = 1000;

/** Answers framed queries on TCP connections, a bounded number of them. */
export class TcpListener {
  readonly #options: TcpListenerOptions;
  readonly #deps: TcpListenerDeps;
  /** BOUNDED: by connectionsMax. */
  readonly #connections = new Set<TcpConnection>();
  /** Connections per client address. BOUNDED: by the connections. */
  readonly #clients = new Map<string, number>();
  #server: Server | undefined;
  #sweep: Timer | undefined;

  constructor(options: TcpListenerOptions, deps: TcpListenerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async start(): Promise<Result<number, ListenError>> {
    const { host = "::", port, reusePort, unreadBytesMax } = this.#options;
    // A half-closed client still reads its answers.
    const server = createServer({ allowHalfOpen: true, highWaterMark: unreadBytesMax }, (socket) =>
      this.#accept(socket),
    );
    try {
      server.listen({ host, port, reusePort, exclusive: !reusePort });
      await once(server, "listening");
    } catch (cause) {
      return err(fromListenError("tcp", this.#options, cause));
    }
    server.on("error", (cause) => this.#deps.log.error("tcp listener failed", { err: cause }));
    this.#server = server;
    this.#scheduleSweep();
    const address = server.address();
    return ok(typeof address === "object" && address !== null ? address.port : port);
  }

  /** Takes no more connections, lets answers go out for a second, then closes what is left. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#sweep?.cancel();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of this.#connections) connection.end();
    const deadline = this.#deps.clock.setTimer(DRAIN_MS, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    deadline.cancel();
  }

  #accept(socket: Socket): void {
    const client = socket.remoteAddress ?? "";
    const ofClient = this.#clients.get(client) ?? 0;
    const { connectionsMax, connectionsPerClientMax } = this.#options;
    if (this.#connections.size >= connectionsMax || ofClient >= connectionsPerClientMax) {
      this.#deps.dropped("tcp-limit");
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    const { answer, dropped, clock } = this.#deps;
    const connection = new TcpConnection(socket, this.#options, {
      answer,
      dropped,
      nowMs: () => clock.monotonicMs(),
    });
    this.#connections.add(connection);
    this.#deps.connections(this.#connections.size);
    this.#clients.set(client, ofClient + 1);
    socket.on("close", () => {
      this.#connections.delete(connection);
      this.#deps.connections(this.#connections.size);
      const left = (this.#clients.get(client) ?? 1) - 1;
      if (left === 0) this.#clients.delete(client);
      else this.#clients.set(client, left);
    });
  }

  #scheduleSweep(): void {
    this.#sweep = this.#deps.clock.setTimer(SWEEP_MS, () => {
      const nowMs = this.#deps.clock.monotonicMs();
      for (const connection of this.#connections) connection.closeIfIdle(nowMs);
      this.#scheduleSweep();
    });
  }
}
