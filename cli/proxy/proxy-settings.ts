import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import type { ProxyNodeOptions } from "../../connectivity/proxy/proxy-node.ts";
import {
  durationSetting,
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { parseListenAddress } from "../../runtime/net/listen-address.ts";
import { identitySettings } from "../membership/identity-place.ts";
import { tracingSettings } from "../tracing/start-tracing.ts";

const MIB = 1024 * 1024;

export const proxySettings = z.object({
  ...kubeSettings,
  ...identitySettings,
  broker: z
    .array(z.string())
    .default([])
    .describe("further broker addresses, host:port, for renewals"),
  name: z.string().default("proxy").describe("name of this proxy in its PathReport: the pod's"),
  address: z
    .array(z.string())
    .default([])
    .describe("addresses of this pod, to which imported services send clients; at least one"),
  clientHost: z
    .string()
    .optional()
    .describe("address on which clients are listened for; default: every address"),
  listen: z
    .string()
    .default(":7443")
    .describe('address for tunnels of other members, host:port; "none": this proxy only dials out'),
  advertise: z
    .array(z.string())
    .default([])
    .describe("host:port each, at which other members can dial this proxy"),
  tunnels: z.coerce
    .number()
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe("tunnels to each place where a member's proxies listen"),
  httpProxy: z
    .string()
    .optional()
    .describe("host:port of an HTTP proxy through which tunnels are dialled (CONNECT)"),
  httpProxyAuthorization: z
    .string()
    .optional()
    .describe("value of Proxy-Authorization, such as Basic ...; better set by a --config file"),
  httpProxyAuthorizationFile: z
    .string()
    .optional()
    .describe("file that holds this value instead, read when the process starts"),
  relayFor: z
    .array(z.string())
    .default([])
    .describe(
      "members between which this one carries tunnels on, by cluster id, * for all; default: none",
    ),
  udpIdle: durationSetting("60s", "how long a UDP session lasts without a datagram"),
  linger: durationSetting(
    "5s",
    "how long clients that have not heard yet are still taken while this process stops",
  ),
  drain: durationSetting("30s", "how long open connections may go on after that"),
  bufferMax: z.coerce
    .number()
    .int()
    .min(16)
    .max(65_536)
    .default(1024)
    .describe("MiB that all members together may make this process hold"),
  clientNamespaces: z
    .boolean()
    .default(false)
    .describe(
      "watch all Pods, to tell peers in which namespace a client is (isthmus.dev/allow-clients: cluster/namespace)",
    ),
  ...tracingSettings,
  logConnections: z.boolean().default(false).describe("a line in the log for each connection"),
  healthListen: listenDefault("127.0.0.1:8085", "address of /livez, /readyz and /metrics"),
  logLevel: logLevelSetting,
});

export type ProxySettings = z.output<typeof proxySettings>;

/** Error: what is wrong with which setting. */
export function proxyNodeOptions(settings: ProxySettings): Result<ProxyNodeOptions, string> {
  if (settings.address.length === 0) {
    return err("setting address must name at least one address of this pod: got none");
  }
  const members = new Set(settings.relayFor);
  const options: ProxyNodeOptions = {
    ownAddresses: settings.address,
    clientHost: settings.clientHost,
    tunnelsPerEndpoint: settings.tunnels,
    mayRelay: (from, to) => members.has("*") || (members.has(from) && members.has(to)),
    udpIdleMs: settings.udpIdle,
    bufferMaxBytes: settings.bufferMax * MIB,
    logsConnections: settings.logConnections,
  };
  if (settings.httpProxy === undefined) return ok(options);
  const parsed = parseListenAddress(settings.httpProxy);
  if (!parsed.ok) return parsed;
  const { host, port } = parsed.value;
  if (host === undefined) {
    return err(`setting httpProxy must name a host: got ${JSON.stringify(settings.httpProxy)}`);
  }
  const authorization = settings.httpProxyAuthorization;
  const httpProxy = {
    address: { host, port },
    ...(authorization !== undefined && { authorization }),
  };
  return ok({ ...options, httpProxy });
}
