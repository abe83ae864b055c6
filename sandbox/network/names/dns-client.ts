import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { ByteReader } from "../byte-reader.ts";
import { bindUdp, connectTcp, type HostPort } from "../loopback.ts";
import type { Decoded } from "../socks/socks-message.ts";
import {
  type AddressQuery,
  type AddressRecord,
  type AddressReply,
  decodeAddressReply,
  encodeAddressQuery,
  isQueryableName,
} from "./dns-message.ts";
import type { ResolveError } from "./name-resolver.ts";

export interface DnsClientOptions {
  /** @default 3 */
  readonly attempts?: number;
  /** Of one attempt. @default 1,000 */
  readonly timeoutMs?: number;
}

const NOERROR = 0;
const NXDOMAIN = 3;

/** A stub resolver: one server, UDP with retries, TCP when the answer was cut (RFC 7766). No cache: the sandbox shows changes at once. */
export class DnsClient {
  readonly #server: HostPort;
  readonly #attempts: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(
    server: HostPort,
    options: DnsClientOptions,
    deps: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#server = server;
    this.#attempts = options.attempts ?? 3;
    this.#timeoutMs = options.timeoutMs ?? 1000;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** IPv4 addresses first, then IPv6; each in the server's order. */
  async lookup(
    name: string,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], ResolveError>> {
    if (!isQueryableName(name))
      return err({ kind: "not-found", message: `${name}: not a DNS name` });
    const [v4, v6] = await Promise.all([
      this.#ask(name, "A", signal),
      this.#ask(name, "AAAA", signal),
    ]);
    const addresses = [v4, v6].flatMap((reply) => (reply.ok ? reply.value.addresses : []));
    if (addresses.length > 0) return ok(addresses);
    for (const reply of [v4, v6]) {
      if (!reply.ok) return reply;
      const { rcode } = reply.value;
      if (rcode !== NOERROR && rcode !== NXDOMAIN) {
        return err({ kind: "failed", message: `${name}: the DNS server answered rcode ${rcode}` });
      }
    }
    return err({ kind: "not-found", message: `${name}: no address` });
  }

  async #ask(
    name: string,
    type: AddressRecord,
    signal: AbortSignal,
  ): Promise<Result<AddressReply, ResolveError>> {
    for (let attempt = 0; attempt < this.#attempts && !signal.aborted; attempt++) {
      using limit = deadline(this.#clock, this.#timeoutMs, signal);
      // A new id each time: a late answer to the former attempt is not taken for this one's.
      const query = { id: Math.floor(this.#random.next() * 65_536), name, type };
      const reply = await this.#overUdp(query, limit.signal);
      if (reply !== undefined && !reply.truncated) return ok(reply);
      const full = reply === undefined ? undefined : await this.#overTcp(query, limit.signal);
      if (full !== undefined) return ok(full);
    }
    const { host, port } = this.#server;
    return err({
      kind: "failed",
      message: `${name}: no answer from the DNS server ${host}:${port}`,
    });
  }

  async #overUdp(query: AddressQuery, signal: AbortSignal): Promise<AddressReply | undefined> {
    const bound = await bindUdp(this.#server.host.includes(":") ? "::" : "0.0.0.0");
    if (!bound.ok) return undefined;
    const socket = bound.value;
    try {
      return await new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
        if (signal.aborted) resolve(undefined);
        socket.on("message", (bytes, from) => {
          if (from.port !== this.#server.port) return;
          const reply = decodeAddressReply(bytes, query);
          if (reply.ok) resolve(reply.value);
        });
        socket.send(
          encodeAddressQuery(query),
          this.#server.port,
          this.#server.host,
          () => undefined,
        );
      });
    } finally {
      socket.close();
    }
  }

  async #overTcp(query: AddressQuery, signal: AbortSignal): Promise<AddressReply | undefined> {
    const connected = await connectTcp(this.#server, signal);
    if (!connected.ok) return undefined;
    const socket = connected.value;
    socket.on("error", () => undefined);
    try {
      const bytes = encodeAddressQuery(query);
      socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]));
      const message = await new ByteReader(socket).read("DNS message", decodeFrame, signal);
      const reply = message.ok ? decodeAddressReply(message.value, query) : message;
      return reply.ok ? reply.value : undefined;
    } finally {
      socket.destroy();
    }
  }
}

/** RFC 1035 section 4.2.2: "prefixed with a two byte length field". */
function decodeFrame(bytes: Uint8Array): Decoded<Uint8Array> {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return { kind: "incomplete" };
  const end = 2 + ((high << 8) | low);
  if (bytes.length < end) return { kind: "incomplete" };
  return { kind: "done", value: bytes.subarray(2, end), length: end };
}
