import { isIP } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import { parseListenAddress } from "../../runtime/net/listen-address.ts";
import { parseIpAddress } from "../zone/ip-address.ts";
import type { Upstream } from "./exchange.ts";

const DNS_PORT = 53;
/** More would never be asked for one query. */
const UPSTREAMS_MAX = 16;

/** Resolvers as `address`, `address:port` or `[address]:port`. Names would need a resolver to be resolved. */
export function parseUpstreams(texts: readonly string[]): Result<readonly Upstream[], string> {
  if (texts.length > UPSTREAMS_MAX) {
    return err(`cannot parse upstreams: must be at most ${UPSTREAMS_MAX}: got ${texts.length}`);
  }
  const upstreams: Upstream[] = [];
  for (const text of texts) {
    const upstream = parseUpstream(text);
    if (upstream === undefined) {
      return err(
        `cannot parse upstream: must be an IP address, with a port or without: got ${JSON.stringify(text)}`,
      );
    }
    upstreams.push(upstream);
  }
  return ok(upstreams);
}

function parseUpstream(text: string): Upstream | undefined {
  const listen = isIP(text) === 0 ? parseListenAddress(text) : ok({ host: text, port: DNS_PORT });
  if (!listen.ok || listen.value.port === 0) return undefined;
  const host = parseIpAddress(listen.value.host ?? "");
  return host === undefined ? undefined : { host: host.text, port: listen.value.port };
}
