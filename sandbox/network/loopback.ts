import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createConnection, type Server, type Socket } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import { parseListenAddress } from "../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../runtime/net/listen-error.ts";
import type { DialError } from "./dialer.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Text such as `127.0.0.1:1080`; an absent host is loopback. */
export function parseHostPort(text: string): Result<HostPort, string> {
  const parsed = parseListenAddress(text);
  return parsed.ok
    ? ok({ host: parsed.value.host ?? "127.0.0.1", port: parsed.value.port })
    : parsed;
}

/** A connected, paused socket with half-close; errors of the machine become what they mean for the dialer. */
export function connectTcp(to: HostPort, signal: AbortSignal): Promise<Result<Socket, DialError>> {
  return new Promise((resolve) => {
    const socket = createConnection({ ...to, allowHalfOpen: true, noDelay: true });
    socket.pause();
    const fail = (error: DialError): void => {
      signal.removeEventListener("abort", onAbort);
      socket.on("error", () => undefined);
      socket.destroy();
      resolve(err(error));
    };
    const onError = (cause: NodeJS.ErrnoException): void => fail(fromConnectError(to, cause));
    const onAbort = (): void =>
      fail({ kind: "timeout", message: `cannot connect to ${to.host}:${to.port}: gave up` });
    socket.once("error", onError);
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      resolve(ok(socket));
    });
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** A bound datagram socket; without a `port` an ephemeral one. */
export function bindUdp(host: string, port = 0): Promise<Result<UdpSocket, DialError>> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", (cause) => {
      resolve(
        err({ kind: "failed", message: `cannot bind UDP ${host}:${port}: ${cause.message}` }),
      );
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners("error");
      // A datagram that a dead peer refuses (ECONNREFUSED) is a lost datagram.
      socket.on("error", () => undefined);
      resolve(ok(socket));
    });
  });
}

/** Listens, or says why not. Resolves to the bound port. */
export function listenTcp(server: Server, at: HostPort): Promise<Result<number, string>> {
  return new Promise((resolve) => {
    const onError = (cause: Error): void => resolve(err(listenErrorText(at, cause)));
    server.once("error", onError);
    server.listen(at.port, at.host, () => {
      server.removeListener("error", onError);
      const address = server.address();
      resolve(ok(typeof address === "object" && address !== null ? address.port : at.port));
    });
  });
}

function fromConnectError(to: HostPort, cause: NodeJS.ErrnoException): DialError {
  const message = `cannot connect to ${to.host}:${to.port}: ${cause.message}`;
  switch (cause.code ?? "") {
    case "ECONNREFUSED":
    case "ECONNRESET":
      return { kind: "refused", message };
    case "EHOSTUNREACH":
      return { kind: "host-unreachable", message };
    case "ENETUNREACH":
      return { kind: "network-unreachable", message };
    case "ETIMEDOUT":
      return { kind: "timeout", message };
    default:
      return { kind: "failed", message };
  }
}
