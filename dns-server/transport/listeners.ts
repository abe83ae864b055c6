import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import { listenErrorText } from "../../runtime/net/listen-error.ts";
import type { ListenError } from "./listen-error.ts";
import { TcpListener, type TcpListenerDeps, type TcpListenerOptions } from "./tcp-listener.ts";
import { makeUdpListener, type UdpEngineOptions } from "./udp-engine.ts";
import type { UdpListenerDeps } from "./udp-listener.ts";

/** Free ports tried when any will do: one free for TCP may be taken for UDP. */
const FREE_PORT_ATTEMPTS = 10;

export type ListenerDeps = UdpListenerDeps & TcpListenerDeps;

export interface Listeners {
  readonly port: number;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Takes the same port for UDP and TCP, or neither. A host name is resolved once; without a host every address of both
 * families is taken, or of IPv4 alone where the machine has no IPv6.
 */
export async function startListeners(
  options: UdpEngineOptions & TcpListenerOptions,
  deps: ListenerDeps,
): Promise<Result<Listeners, string>> {
  const { host } = options;
  if (host !== undefined && isIP(host) === 0) {
    try {
      const { address } = await lookup(host);
      return startListeners({ ...options, host: address }, deps);
    } catch (cause) {
      return err(listenErrorText(options, cause, "udp"));
    }
  }
  for (let attempt = 1; ; attempt++) {
    const started = await startPair(options, deps);
    if (started.ok) return started;
    if (host === undefined && started.error.code === "EAFNOSUPPORT") {
      return startListeners({ ...options, host: "0.0.0.0" }, deps);
    }
    const mayTryAnother = options.port === 0 && started.error.code === "EADDRINUSE";
    if (!mayTryAnother || attempt === FREE_PORT_ATTEMPTS) return err(started.error.message);
  }
}

async function startPair(
  options: UdpEngineOptions & TcpListenerOptions,
  deps: ListenerDeps,
): Promise<Result<Listeners, ListenError>> {
  const made = makeUdpListener(options, deps);
  if (!made.ok) return err({ code: "", message: made.error });
  const udp = made.value;
  const udpPort = await udp.start();
  if (!udpPort.ok) return udpPort;
  const tcp = new TcpListener({ ...options, port: udpPort.value }, deps);
  const tcpPort = await tcp.start();
  if (!tcpPort.ok) {
    udp.stop();
    return tcpPort;
  }
  const stop = async (): Promise<void> => {
    udp.stop();
    await tcp.stop();
  };
  return ok({ port: tcpPort.value, stop });
}
