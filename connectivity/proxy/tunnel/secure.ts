import { constants } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  type CommonConnectionOptions,
  connect,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import type { TunnelIdentity } from "./tunnel-identity.ts";

/** What the two ends agree to speak: a server of something else ends the handshake. */
const ALPN_PROTOCOL = "isthmus-tunnel/1";

/** Handshakes must be done within this. */
export const HANDSHAKE_MS = 10_000;

/** AES-128 first: as safe here as AES-256, and a fifth faster. */
const CIPHERS = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** Of the side that was dialled. No tickets: each tunnel shows its certificate anew. */
export function serverOptions(identity: TunnelIdentity): TlsOptions {
  return {
    ...common(identity),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * Begins the handshake of the side that dials, over any connection. The library checks that the peer holds the key of its
 * certificate; `checkPeerCertificate` does the rest, and must be called before anything is sent.
 */
export function secureAsDialler(socket: Duplex, identity: TunnelIdentity): TLSSocket {
  return connect({ ...common(identity), socket, rejectUnauthorized: false });
}

function common(
  identity: TunnelIdentity,
): SecureContextOptions & Pick<CommonConnectionOptions, "ALPNProtocols"> {
  return {
    key: identity.keyPem,
    cert: identity.certPem,
    ca: [...identity.authorities],
    minVersion: "TLSv1.3",
    ciphers: CIPHERS,
    ALPNProtocols: [ALPN_PROTOCOL],
  };
}

/** DER of the peer's certificate. */
export function peerCertificate(socket: TLSSocket): Uint8Array | undefined {
  return socket.getPeerX509Certificate()?.raw;
}
