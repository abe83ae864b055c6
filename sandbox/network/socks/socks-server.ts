import { createServer, type Server, type Socket } from "node:net";
import { assertNever } from "../../../api/invariant.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { canonicalIp } from "../canonical-ip.ts";
import type { DialError, Dialer } from "../dialer.ts";
import { type HostPort, listenTcp } from "../loopback.ts";
import type { NameResolver } from "../names/name-resolver.ts";
import { relay } from "../relay.ts";
import { METHOD, REPLY, type ReplyCode, type SocksAddress } from "./socks-message.ts";
import { newSocksSession, replyBytes, type SocksEffect, socksStep } from "./socks-session.ts";
import { UdpAssociation } from "./udp-association.ts";

export interface SocksServerOptions {
  readonly listen: HostPort;
  /** Whose connections these are: one fixed address, or the one that the username names (the fabric). */
  readonly client: { readonly kind: "fixed"; readonly ip: string } | { readonly kind: "named" };
  /** More are closed at once. @default 1,024 */
  readonly maxConnections?: number;
  /** @default 10,000 */
  readonly handshakeTimeoutMs?: number;
  /** Names and dialing together. @default 15,000 */
  readonly connectTimeoutMs?: number;
  /** @default 600,000 */
  readonly idleTimeoutMs?: number;
}

export interface SocksServerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dialer: Dialer;
  /** Without one, names are refused. */
  readonly resolver?: NameResolver;
}

/** How long a refused client may take to hang up. */
const HANG_UP_MS = 2000;

type Request = Extract<SocksEffect, { readonly kind: "connect" | "udp-associate" }>;

/** A SOCKS5 entry (RFC 1928) into a member's network: CONNECT and UDP ASSOCIATE. */
export class SocksServer {
  readonly #options: Required<SocksServerOptions>;
  readonly #deps: SocksServerDeps;
  readonly #server: Server;
  /** BOUNDED: by maxConnections. */
  readonly #clients = new Set<Socket>();
  readonly #stopping = new AbortController();

  constructor(options: SocksServerOptions, deps: SocksServerDeps) {
    this.#options = {
      maxConnections: 1024,
      handshakeTimeoutMs: 10_000,
      connectTimeoutMs: 15_000,
      idleTimeoutMs: 600_000,
      ...options,
    };
    this.#deps = deps;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
    this.#server.maxConnections = this.#options.maxConnections;
  }

  /** Resolves to the bound port. */
  start(): Promise<Result<number, string>> {
    return listenTcp(this.#server, this.#options.listen);
  }

  /** Ends every connection. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const client of this.#clients) client.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on("close", () => this.#clients.delete(client));
    client.on("error", (cause) => {
      this.#deps.log.debug("socks client broke off", { err: cause });
    });
    const timer = this.#deps.clock.setTimer(this.#options.handshakeTimeoutMs, () =>
      client.destroy(),
    );
    client.once("close", () => timer.cancel());
    let session = newSocksSession(
      this.#options.client.kind === "named" ? METHOD.usernamePassword : METHOD.none,
    );
    const onData = (bytes: Buffer): void => {
      const step = socksStep(session, bytes);
      session = step.session;
      if (session.phase === "over") {
        timer.cancel();
        client.removeListener("data", onData);
        client.removeListener("end", onEarlyEnd);
        client.pause();
      }
      for (const effect of step.effects) this.#perform(effect, client);
    };
    // Half a handshake and then a FIN: nothing can come of it.
    const onEarlyEnd = (): void => void client.destroy();
    client.on("data", onData);
    client.on("end", onEarlyEnd);
  }

  #perform(effect: SocksEffect, client: Socket): void {
    switch (effect.kind) {
      case "write":
        client.write(effect.bytes);
        return;
      case "close":
        this.#deps.log.debug("socks handshake refused", { reason: effect.reason });
        hangUp(client, this.#deps.clock);
        return;
      case "connect":
      case "udp-associate":
        this.#serve(effect, client).catch((cause: unknown) => {
          this.#deps.log.error("socks request failed unexpectedly", { err: cause });
          client.destroy();
        });
        return;
      default:
        assertNever(effect);
    }
  }

  async #serve(request: Request, client: Socket): Promise<void> {
    const clientIp = this.#clientIp(request);
    if (clientIp === undefined) {
      refuse(client, REPLY.notAllowed, this.#deps.clock);
      return;
    }
    if (request.early.length > 0) client.unshift(request.early);
    if (request.kind === "connect") await this.#connect(request.address, clientIp, client);
    else await this.#associate(clientIp, client);
  }

  #clientIp(request: Request): string | undefined {
    const { client } = this.#options;
    return client.kind === "fixed" ? client.ip : canonicalIp(request.username ?? "");
  }

  async #connect(address: SocksAddress, clientIp: string, client: Socket): Promise<void> {
    using limit = deadline(this.#deps.clock, this.#options.connectTimeoutMs, this.#stopping.signal);
    const gone = new AbortController();
    client.once("close", () => gone.abort());
    const signal = AbortSignal.any([limit.signal, gone.signal]);
    const dialed = await this.#dial(address, clientIp, signal);
    if (!dialed.ok) {
      this.#deps.log.debug("socks connect failed", { address, code: dialed.error });
      refuse(client, dialed.error, this.#deps.clock);
      return;
    }
    if (client.destroyed) {
      dialed.value.resetAndDestroy();
      return;
    }
    const bound = { kind: "ip", host: clientIp, port: dialed.value.localPort ?? 0 } as const;
    client.write(replyBytes(REPLY.succeeded, bound));
    relay(client, dialed.value, { idleTimeoutMs: this.#options.idleTimeoutMs }, this.#deps.clock);
  }

  /** Tries each address of a name in turn, as clients do. */
  async #dial(
    address: SocksAddress,
    clientIp: string,
    signal: AbortSignal,
  ): Promise<Result<Socket, ReplyCode>> {
    const addresses = await this.resolve(address, signal);
    if (!addresses.ok) return addresses;
    let last: ReplyCode = REPLY.hostUnreachable;
    for (const ip of addresses.value) {
      const to = { ip, port: address.port };
      const dialed = await this.#deps.dialer.dialTcp(to, { clientIp, signal });
      if (dialed.ok) return dialed;
      last = toReply(dialed.error);
      if (signal.aborted) break;
    }
    return err(last);
  }

  /** Public for the UDP side of the same entry. */
  async resolve(
    address: SocksAddress,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], ReplyCode>> {
    const literal = canonicalIp(address.host);
    if (literal !== undefined) return ok([literal]);
    if (this.#deps.resolver === undefined) return err(REPLY.addressTypeNotSupported);
    const resolved = await this.#deps.resolver.resolve(address.host, signal);
    if (resolved.ok) return resolved;
    this.#deps.log.debug("socks name not resolved", { name: address.host, err: resolved.error });
    return err(resolved.error.kind === "not-found" ? REPLY.hostUnreachable : REPLY.failure);
  }

  async #associate(clientIp: string, client: Socket): Promise<void> {
    const association = new UdpAssociation(
      { clientIp, controlAddress: client.localAddress ?? "127.0.0.1", peer: client.remoteAddress },
      {
        clock: this.#deps.clock,
        dialer: this.#deps.dialer,
        resolve: (address, signal) => this.resolve(address, signal),
      },
    );
    const opened = await association.start(this.#stopping.signal);
    if (!opened.ok || client.destroyed) {
      association.stop();
      refuse(client, REPLY.failure, this.#deps.clock);
      return;
    }
    // RFC 1928 section 7: "A UDP association terminates when the TCP connection ... terminates."
    client.once("close", () => association.stop());
    client.once("end", () => client.destroy());
    client.resume();
    client.write(replyBytes(REPLY.succeeded, opened.value));
  }
}

function toReply(error: DialError): ReplyCode {
  switch (error.kind) {
    case "refused":
      return REPLY.refused;
    case "host-unreachable":
      return REPLY.hostUnreachable;
    case "network-unreachable":
      return REPLY.networkUnreachable;
    case "timeout":
      return REPLY.ttlExpired;
    case "failed":
      return REPLY.failure;
    default:
      return assertNever(error.kind);
  }
}

function refuse(client: Socket, code: ReplyCode, clock: Clock): void {
  if (client.destroyed) return;
  client.write(replyBytes(code));
  hangUp(client, clock);
}

/** Says goodbye so that the last message arrives: unread input would turn the close into a reset. */
function hangUp(client: Socket, clock: Clock): void {
  client.end();
  client.on("end", () => client.destroy());
  const timer = clock.setTimer(HANG_UP_MS, () => client.destroy());
  client.once("close", () => timer.cancel());
  client.resume();
}
