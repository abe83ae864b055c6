import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import {
  formatListenAddress,
  type ListenAddress,
  parseListenAddress,
} from "../../../runtime/net/listen-address.ts";
import { httpConnect } from "./http-connect.ts";
import { HANDSHAKE_MS, peerCertificate, secureAsDialler } from "./secure.ts";
import { checkPeerCertificate, type ReadCluster, type TunnelIdentity } from "./tunnel-identity.ts";

/** An HTTP proxy that connections to peers must go through. */
export interface HttpProxy {
  readonly address: ListenAddress & { readonly host: string };
  /** Value of Proxy-Authorization. Secret. */
  readonly authorization?: string;
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly cluster: ClusterId;
  readonly expiresAtMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly readCluster: ReadCluster;
}

/** A connection to where a peer's proxy listens, maybe through an HTTP proxy. The signal ends it. */
export async function connectTo(
  endpoint: string,
  httpProxy: HttpProxy | undefined,
  signal: AbortSignal,
): Promise<Result<Socket, string>> {
  const parsed = parseListenAddress(endpoint);
  if (!parsed.ok) return parsed;
  const { host, port } = httpProxy?.address ?? parsed.value;
  if (host === undefined) return err(`cannot dial ${endpoint}: must name a host`);
  const socket = connect({ host, port, signal, noDelay: true });
  // Errors show as the end of what is carried. From the first moment on: nobody may be waiting when one comes.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.destroy();
    return err(`cannot dial ${formatListenAddress({ host, port })}: ${reasonOf(signal, error)}`);
  }
  if (httpProxy === undefined) return ok(socket);
  const answered = await httpConnect(socket, endpoint, httpProxy.authorization);
  if (answered.ok) return ok(socket);
  socket.destroy();
  const reason = signal.aborted ? reasonOf(signal, undefined) : answered.error;
  return err(`cannot dial ${endpoint} through ${formatListenAddress({ host, port })}: ${reason}`);
}

/** TLS as the side that dials, and who is there. Error: nobody that we were looking for; the connection is closed. */
export async function secureTo(
  expected: ClusterId,
  raw: Duplex,
  identity: TunnelIdentity,
  { clock, readCluster }: Deps,
  signal: AbortSignal,
): Promise<Result<Secured, string>> {
  using limit = deadline(clock, HANDSHAKE_MS, signal);
  const socket = secureAsDialler(raw, identity);
  socket.on("error", () => undefined);
  try {
    await once(socket, "secureConnect", { signal: limit.signal });
  } catch (error) {
    socket.destroy();
    raw.destroy();
    return err(`cannot agree on TLS with ${expected}: ${reasonOf(limit.signal, error)}`);
  }
  const nowMs = clock.nowMs();
  const checked = checkPeerCertificate(peerCertificate(socket), identity, { readCluster, nowMs });
  if (checked.ok && checked.value.cluster === expected) return ok({ socket, ...checked.value });
  socket.destroy();
  return checked.ok
    ? err(`cannot accept peer: must be ${expected}: got ${checked.value.cluster}`)
    : checked;
}

function reasonOf(signal: AbortSignal, error: unknown): string {
  const cause: unknown = signal.aborted ? signal.reason : error;
  return cause instanceof Error ? cause.message : "aborted";
}
