import { connect, type Socket } from "node:net";
import { SocksClient } from "socks";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import { parseListenAddress } from "../../../runtime/net/listen-address.ts";

/**
 * How packets get into the cluster. An address of the cluster may be somebody else's where this command runs, so that an answer
 * from there proves nothing: then nothing is sent.
 */
export type Entry =
  | { readonly kind: "none" }
  /** The API server forwards ports of our DNS server's pods, and one of them dials what is to be dialled. */
  | { readonly kind: "api" }
  | DirectEntry;

export type DirectEntry =
  /** This process is in the cluster, such as in a pod. */
  | { readonly kind: "here" }
  /** A SOCKS5 proxy that is. */
  | { readonly kind: "socks"; readonly host: string; readonly port: number };

/** `auto`: in a pod, here; elsewhere by the API server. */
export function parseEntry(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Result<Entry, string> {
  if (text === "auto") {
    return ok({ kind: env["KUBERNETES_SERVICE_HOST"] === undefined ? "api" : "here" });
  }
  if (text === "none" || text === "here" || text === "api") return ok({ kind: text });
  const address = /^socks5:\/\/(.+)$/.exec(text)?.[1];
  const parsed = address === undefined ? undefined : parseListenAddress(address);
  if (parsed?.ok !== true || parsed.value.host === undefined) {
    return err(
      `entry must be auto, api, none, here or socks5://HOST:PORT: got ${JSON.stringify(text)}`,
    );
  }
  return ok({ kind: "socks", host: parsed.value.host, port: parsed.value.port });
}

export const NO_ENTRY =
  "this machine is not in the cluster, where its addresses may be somebody else's: run this in a pod (--entry here), or name a SOCKS5 proxy there (--entry socks5://HOST:PORT)";

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
