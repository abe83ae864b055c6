import { X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { err, ok, type Result } from "../../../api/result.ts";
import { BROKER_SERVER_NAME } from "../authority/certificate-authority.ts";
import { certificateFingerprint } from "../authority/public-key-fingerprint.ts";

/** BOUNDED: by this many certificates looked at in a chain. */
const MAX_CHAIN = 5;

export interface BrokerEndpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * The authority certificate that the server at this address presents, accepted only when its public key
 * has one of the given fingerprints: trust comes from the token, never from first use. Nothing secret is sent.
 * The connection made with it afterwards checks that the server holds a certificate of this authority.
 */
export function fetchAuthority(
  endpoint: BrokerEndpoint,
  pins: readonly string[],
  signal: AbortSignal,
): Promise<Result<string, string>> {
  const where = `${endpoint.host}:${endpoint.port}`;
  return new Promise((resolve) => {
    const finish = (result: Result<string, string>): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void =>
      finish(err(`cannot reach broker: ${where} must answer within the deadline: it did not`));
    // The chain is judged below, by fingerprint: no public authority knows the clusterset's.
    const socket = connect({
      ...endpoint,
      servername: BROKER_SERVER_NAME,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
    });
    socket.once("secureConnect", () => finish(findAuthority(socket, pins, where)));
    socket.once("error", (error) => finish(err(`cannot reach broker: ${where}: ${error.message}`)));
    socket.once("close", () =>
      finish(err(`cannot reach broker: ${where} must speak TLS: it closed the connection`)),
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function findAuthority(
  socket: TLSSocket,
  pins: readonly string[],
  where: string,
): Result<string, string> {
  const seen: string[] = [];
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (link?.raw !== undefined && seen.length < MAX_CHAIN) {
    const certificate = new X509Certificate(link.raw);
    const found = certificateFingerprint(certificate);
    if (pins.includes(found) && certificate.ca) return ok(certificate.toString());
    seen.push(found);
    // A self-signed certificate is its own issuer.
    link = link.issuerCertificate === link ? undefined : link.issuerCertificate;
  }
  return err(
    `cannot trust broker: ${where} must present the authority ${pins.join(" or ")} that the token names: got ${seen.join(", ") || "no certificate"}`,
  );
}
