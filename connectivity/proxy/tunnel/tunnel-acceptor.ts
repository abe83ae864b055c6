import type { Duplex } from "node:stream";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { ListenAddress } from "../../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../../runtime/net/listen-error.ts";
import type { Secured } from "./dial-tunnel.ts";
import { peerCertificate, serverOptions } from "./secure.ts";
import { checkPeerCertificate, type ReadCluster, type TunnelIdentity } from "./tunnel-identity.ts";

/** BOUNDED: connections of peers, those whose handshake is not done included; more are closed at once. */
const MAX_CONNECTIONS = 2_048;

/** Takes connections of other members' proxies: TLS, certificate, cluster id. */
export class TunnelAcceptor {
  readonly #server: Server;
  #identity: TunnelIdentity;

  constructor(
    identity: TunnelIdentity,
    {
      onSecured,
      clock,
      readCluster,
      log,
    }: {
      readonly onSecured: (secured: Secured) => void;
      readonly clock: Clock;
      readonly readCluster: ReadCluster;
      readonly log: Logger;
    },
  ) {
    this.#identity = identity;
    this.#server = createServer({ ...serverOptions(identity), noDelay: true });
    this.#server.maxConnections = MAX_CONNECTIONS;
    // Before the handshake is done, and when it fails, whoever hangs up is no error of ours.
    this.#server.on("connection", (raw: Duplex) => void raw.on("error", () => undefined));
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => undefined);
      const nowMs = clock.nowMs();
      const checked = checkPeerCertificate(peerCertificate(socket), this.#identity, {
        readCluster,
        nowMs,
      });
      if (checked.ok) return onSecured({ socket, ...checked.value });
      log.warn("tunnel refused", { remote: socket.remoteAddress, err: checked.error });
      socket.destroy();
    });
    this.#server.on("tlsClientError", (error, socket) => {
      log.debug("tunnel handshake failed", { remote: socket.remoteAddress, err: error.message });
    });
  }

  listen(address: ListenAddress): Promise<Result<ListenAddress, string>> {
    return new Promise((resolve) => {
      // Later ones too, such as of a process that has no descriptors left: who dials then is not taken.
      this.#server.on("error", (error) => resolve(err(listenErrorText(address, error))));
      this.#server.listen({ ...address }, () => {
        const bound = this.#server.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
        resolve(ok({ ...address, port }));
      });
    });
  }

  /** A connection that came inside another tunnel. */
  take(connection: Duplex): void {
    this.#server.emit("connection", connection);
  }

  /** From now on this is shown to who dials; connections that are there are not touched. */
  setIdentity(identity: TunnelIdentity): void {
    this.#identity = identity;
    this.#server.setSecureContext(serverOptions(identity));
  }

  /** Takes nobody any more. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }
}
