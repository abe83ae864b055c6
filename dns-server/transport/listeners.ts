import { err, ok, type Result } from "../../api/result.ts";
import type { ListenError } from "./listen-error.ts";
import { TcpListener, type TcpListenerDeps, type TcpListenerOptions } from "./tcp-listener.ts";
import { UdpListener, type UdpListenerOptions } from "./udp-listener.ts";

/** Free ports tried when any will do: one free for TCP may be taken for UDP. */
const FREE_PORT_ATTEMPTS = 10;

export interface Listeners {
  readonly port: number;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Takes the same port for UDP and TCP, or neither. */
export async function startListeners(
  options: UdpListenerOptions & TcpListenerOptions,
  deps: TcpListenerDeps,
): Promise<Result<Listeners, string>> {
  for (let attempt = 1; ; attempt++) {
    const started = await startPair(options, deps);
    if (started.ok) return started;
    const mayTryAnother = options.port === 0 && started.error.code === "EADDRINUSE";
    if (!mayTryAnother || attempt === FREE_PORT_ATTEMPTS) return err(started.error.message);
  }
}

async function startPair(
  options: UdpListenerOptions & TcpListenerOptions,
  deps: TcpListenerDeps,
): Promise<Result<Listeners, ListenError>> {
  const udp = new UdpListener(options, deps);
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
