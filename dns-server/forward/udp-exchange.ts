import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Timer } from "../../runtime/clock/clock.ts";
import type { ExchangeDeps, ExchangeRequest } from "./exchange.ts";
import { answersQuery } from "./forwarded-message.ts";

/** Sockets per family, each on a port of the kernel's choice: who forges must guess port and id (RFC 5452). */
const SOCKETS = 16;
/** A socket serves so many queries, then another port takes its place. */
const QUERIES_PER_SOCKET = 2000;

interface Waiting {
  readonly request: ExchangeRequest;
  readonly resolve: (response: Buffer | undefined) => void;
  readonly timer: Timer;
}

interface Port {
  readonly socket: Socket;
  /** By id. BOUNDED: by the forwarder's queries under way. */
  readonly waiting: Map<number, Waiting>;
  queries: number;
}

/** Asks upstreams by UDP. */
export class UdpExchange {
  readonly #deps: ExchangeDeps;
  /** BOUNDED: SOCKETS per family, and retired ones until their last query is over. */
  readonly #ports = new Map<string, Port>();
  readonly #retired = new Set<Port>();
  #next = 0;
  #isStopped = false;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
  }

  readonly exchange = (request: ExchangeRequest): Promise<Buffer | undefined> => {
    if (this.#isStopped) return Promise.resolve(undefined);
    const port = this.#portFor(request.upstream.host);
    const id = this.#freeId(port);
    const query = Buffer.from(request.query);
    query.writeUInt16BE(id, 0);
    return new Promise((resolve) => {
      const finish = (response: Buffer | undefined): void => this.#finish(port, id, response);
      const timer = this.#deps.clock.setTimer(request.timeoutMs, () => finish(undefined));
      port.waiting.set(id, { request: { ...request, query }, resolve, timer });
      const { host, port: number } = request.upstream;
      port.socket.send(query, number, host, (cause) => {
        if (cause !== null) finish(undefined);
      });
    });
  };

  /** Takes no more queries; those under way end as they would. */
  stop(): void {
    this.#isStopped = true;
    for (const port of this.#ports.values()) {
      this.#retired.add(port);
      this.#closeWhenIdle(port);
    }
    this.#ports.clear();
  }

  #portFor(host: string): Port {
    const type = isIPv6(host) ? "udp6" : "udp4";
    this.#next = (this.#next + 1) % SOCKETS;
    const key = `${type} ${this.#next}`;
    const known = this.#ports.get(key);
    if (known !== undefined && known.queries < QUERIES_PER_SOCKET) {
      known.queries++;
      return known;
    }
    if (known !== undefined) this.#retired.add(known);
    const made = this.#open(type);
    this.#ports.set(key, made);
    if (known !== undefined) this.#closeWhenIdle(known);
    return made;
  }

  #open(type: "udp4" | "udp6"): Port {
    const socket = createSocket({
      type,
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    const port: Port = { socket, waiting: new Map(), queries: 1 };
    socket.on("message", (response, peer) => this.#receive(port, response, peer));
    // Refused by the other side, or no way to it: the time limit of each query tells.
    socket.on("error", () => undefined);
    return port;
  }

  #receive(port: Port, response: Buffer, peer: RemoteInfo): void {
    if (response.length < 2) return;
    const id = response.readUInt16BE(0);
    const waiting = port.waiting.get(id);
    if (waiting === undefined) return;
    const { upstream, query, questionEnd } = waiting.request;
    const isFromUpstream = peer.address === upstream.host && peer.port === upstream.port;
    // What does not fit may be forged: the true response may still come.
    if (isFromUpstream && answersQuery(response, query, questionEnd)) {
      this.#finish(port, id, response);
    }
  }

  #finish(port: Port, id: number, response: Buffer | undefined): void {
    const waiting = port.waiting.get(id);
    if (waiting === undefined) return;
    port.waiting.delete(id);
    waiting.timer.cancel();
    waiting.resolve(response);
    if (this.#retired.has(port)) this.#closeWhenIdle(port);
  }

  #closeWhenIdle(port: Port): void {
    if (port.waiting.size > 0 || !this.#retired.delete(port)) return;
    port.socket.close();
  }

  #freeId(port: Port): number {
    for (;;) {
      const id = this.#deps.drawId();
      if (!port.waiting.has(id)) return id;
    }
  }
}
