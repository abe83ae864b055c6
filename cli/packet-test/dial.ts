import { connect, type Socket } from "node:net";
import { SocksClient } from "socks";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";

/** Where connections into a cluster begin. */
export type DirectEntry =
  /** This process is in the cluster, such as in a pod. */
  | { readonly kind: "here" }
  /** A SOCKS5 proxy that is. */
  | { readonly kind: "socks"; readonly host: string; readonly port: number };

/** Opens a TCP connection; an error says why not. Who gets a socket closes it. */
export async function dial(
  entry: DirectEntry,
  to: { readonly host: string; readonly port: number },
  { clock, timeoutMs, signal }: Dialling,
): Promise<Result<Socket, string>> {
  if (entry.kind === "here") return dialHere(to, { clock, timeoutMs, signal });
  try {
    const { socket } = await SocksClient.createConnection({
      proxy: { host: entry.host, port: entry.port, type: 5 },
      command: "connect",
      destination: to,
      timeout: timeoutMs,
    });
    return ok(socket);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

export interface Dialling {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function dialHere(
  to: { readonly host: string; readonly port: number },
  { clock, timeoutMs, signal }: Dialling,
): Promise<Result<Socket, string>> {
  return new Promise((resolve) => {
    const limit = deadline(clock, timeoutMs, signal);
    const socket = connect(to);
    const finish = (result: Result<Socket, string>): void => {
      limit.signal.removeEventListener("abort", onLimit);
      limit[Symbol.dispose]();
      if (!result.ok) socket.destroy();
      resolve(result);
    };
    const onLimit = (): void => finish(err(`no answer within ${timeoutMs} ms`));
    limit.signal.addEventListener("abort", onLimit, { once: true });
    // Stays for what happens to the socket later: whoever uses it notices by its end.
    socket.on("error", (error) => finish(err(error.message)));
    socket.once("connect", () => finish(ok(socket)));
  });
}
