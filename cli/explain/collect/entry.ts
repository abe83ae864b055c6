import { err, ok, type Result } from "../../../api/result.ts";
import { parseListenAddress } from "../../../runtime/net/listen-address.ts";
import type { DirectEntry } from "../../packet-test/dial.ts";

/**
 * How packets get into the cluster. An address of the cluster may be somebody else's where this command runs, so that an answer
 * from there proves nothing: then nothing is sent.
 */
export type Entry =
  | { readonly kind: "none" }
  /** The API server forwards ports of our DNS server's pods, and one of them dials what is to be dialled. */
  | { readonly kind: "api" }
  | DirectEntry;

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
