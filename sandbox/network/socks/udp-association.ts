import type { RemoteInfo, Socket as UdpSocket } from "node:dgram";
import { unmapped } from "../../../api/network/address-bytes.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { DialError, Dialer, UdpFlow } from "../dialer.ts";
import { bindUdp } from "../loopback.ts";
import { decodeDatagram } from "./decode.ts";
import { encodeDatagram } from "./encode.ts";
import type { ReplyCode, SocksAddress, SocksDatagram } from "./socks-message.ts";

const MAX_FLOWS = 256;
const MAX_PENDING = 64;
const OPEN_TIMEOUT_MS = 5000;
const IDLE_TIMEOUT_MS = 60_000;

export interface UdpAssociationOptions {
  /** Who sends, as destinations shall see it. */
  readonly clientIp: string;
  /** Where the client reached the SOCKS server: the relay listens on the same address. */
  readonly controlAddress: string;
  /** The only host whose datagrams are taken. */
  readonly peer: string | undefined;
}

export interface UdpAssociationDeps {
  readonly clock: Clock;
  readonly dialer: Dialer;
  readonly resolve: (
    address: SocksAddress,
    signal: AbortSignal,
  ) => Promise<Result<readonly string[], ReplyCode>>;
}

/** One destination of the association, as the client wrote it. */
interface Entry {
  readonly opening: Promise<UdpFlow | undefined>;
  /** Datagrams that wait for `opening`. */
  pending: number;
  usedAtMs: number;
}

/** RFC 1928 section 7: one client's datagrams to any number of destinations. It may lose, never corrupt or mix. */
export class UdpAssociation {
  readonly #options: UdpAssociationOptions;
  readonly #deps: UdpAssociationDeps;
  readonly #stopping = new AbortController();
  /** BOUNDED: by MAX_FLOWS, the longest unused one leaves; idle ones leave by themselves. */
  readonly #entries = new Map<string, Entry>();
  #socket: UdpSocket | undefined;
  /** The client's socket: the first one that sent a well-formed datagram. */
  #client: RemoteInfo | undefined;
  #sweep: Timer | undefined;

  constructor(options: UdpAssociationOptions, deps: UdpAssociationDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves to where the client has to send. */
  async start(parent: AbortSignal): Promise<Result<SocksAddress, DialError>> {
    const host = unmapped(this.#options.controlAddress);
    const bound = await bindUdp(host);
    if (!bound.ok) return bound;
    if (parent.aborted) this.#stopping.abort();
    this.#socket = bound.value;
    bound.value.on("message", (bytes, from) => this.#onMessage(bytes, from));
    this.#scheduleSweep();
    return ok({ kind: "ip", host, port: bound.value.address().port });
  }

  /** Idempotent. */
  stop(): void {
    this.#stopping.abort();
    this.#sweep?.cancel();
    for (const key of this.#entries.keys()) this.#drop(key);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #onMessage(bytes: Uint8Array, from: RemoteInfo): void {
    const peer = this.#options.peer;
    if (peer !== undefined && from.address !== unmapped(peer)) return;
    if (this.#client !== undefined && this.#client.port !== from.port) return;
    const datagram = decodeDatagram(bytes);
    // "An implementation that does not support fragmentation MUST drop any datagram whose FRAG field is other than X'00'."
    if (datagram === undefined || datagram.fragment !== 0) return;
    this.#client = from;
    this.#forward(datagram).catch(() => undefined);
  }

  async #forward(datagram: SocksDatagram): Promise<void> {
    const key = `${datagram.address.host} ${datagram.address.port}`;
    // Twice: a flow whose endpoint has left closes when it is next used, and a new one takes over.
    for (let attempt = 0; attempt < 2; attempt++) {
      const entry = this.#entry(key, datagram.address);
      if (entry.pending >= MAX_PENDING) return;
      entry.pending += 1;
      const flow = await entry.opening;
      entry.pending -= 1;
      if (flow !== undefined && !flow.closed) {
        flow.send(datagram.payload);
        return;
      }
      this.#forget(key, entry);
      if (flow === undefined) return;
    }
  }

  #entry(key: string, address: SocksAddress): Entry {
    const known = this.#entries.get(key);
    const usedAtMs = this.#deps.clock.monotonicMs();
    const entry = known ?? { opening: this.#open(address), pending: 0, usedAtMs };
    entry.usedAtMs = usedAtMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > MAX_FLOWS && !oldest.done) this.#drop(oldest.value);
    return entry;
  }

  async #open(address: SocksAddress): Promise<UdpFlow | undefined> {
    using limit = deadline(this.#deps.clock, OPEN_TIMEOUT_MS, this.#stopping.signal);
    const addresses = await this.#deps.resolve(address, limit.signal);
    if (!addresses.ok) return undefined;
    const [ip] = addresses.value;
    if (ip === undefined) return undefined;
    const source: SocksAddress = { kind: "ip", host: ip, port: address.port };
    const flow = await this.#deps.dialer.openUdp(
      { ip, port: address.port },
      {
        clientIp: this.#options.clientIp,
        signal: limit.signal,
        onDatagram: (payload) => this.#reply(source, payload),
      },
    );
    if (!flow.ok) return undefined;
    if (this.#stopping.signal.aborted) flow.value.close();
    return flow.value;
  }

  /** The source is the address the client sent to: a ClusterIP hides its endpoint. */
  #reply(source: SocksAddress, payload: Uint8Array): void {
    if (this.#client === undefined) return;
    const bytes = encodeDatagram(source, payload);
    this.#socket?.send(bytes, this.#client.port, this.#client.address, () => undefined);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    entry?.opening.then((flow) => flow?.close()).catch(() => undefined);
  }

  #scheduleSweep(): void {
    this.#sweep = this.#deps.clock.setTimer(IDLE_TIMEOUT_MS, () => {
      const oldest = this.#deps.clock.monotonicMs() - IDLE_TIMEOUT_MS;
      for (const [key, entry] of this.#entries) if (entry.usedAtMs < oldest) this.#drop(key);
      this.#scheduleSweep();
    });
  }
}
