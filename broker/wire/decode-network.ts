import { isIPv4 } from "node:net";
import type { Gateway, Network, Overlay } from "../../api/broker/broker.gen.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { isBackendName } from "../../api/network/backend-name.ts";
import { type Cidr, containsAddress } from "../../api/network/cidr.ts";
import { parseIpAddress } from "../../api/network/ip-address.ts";
import { parseMemberCidr } from "../../api/network/member-cidr.ts";
import type {
  GatewayFact,
  GlobalPrefix,
  NetworkFacts,
  OverlayFact,
  ProxyFact,
} from "../../api/network/network-facts.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseEndpointAddress, parseSocketAddress } from "./address-rules.ts";
import { parseLabelValue, parseSubdomain, quote } from "./kube-syntax.ts";
import { LIMITS } from "./limits.ts";

/** Named in Hello by members that send and take network rows, and in Welcome by brokers that store them. */
export const NETWORK_CAPABILITY = "network";

/** Of one WireGuard key, 32 bytes in base64. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}=$/;

/**
 * The content of a network row. Gateways of peers are configured from it, so every list is short, every address is one that
 * a peer may send to, and networks are written in their one form. Errors: which rule, and the value seen.
 */
export function decodeNetwork(message: Network): Result<NetworkFacts, string> {
  const podCidrs = decodeCidrs("pod network", message.podCidrs, LIMITS.cidrsPerMember);
  if (!podCidrs.ok) return podCidrs;
  const services = decodeCidrs("service network", message.serviceCidrs, LIMITS.cidrsPerMember);
  if (!services.ok) return services;
  const globals = decodeList(
    "global prefixes",
    message.globalPrefixes,
    LIMITS.cidrsPerMember,
    decodeGlobalPrefix,
  );
  if (!globals.ok) return globals;
  const nodes = decodeCidrs("node prefix", message.nodePrefixes, LIMITS.nodePrefixesPerMember);
  if (!nodes.ok) return nodes;
  const responders = decodeList(
    "responders",
    message.responders,
    LIMITS.respondersPerMember,
    (text) => parseSocketAddress("responder", text),
  );
  if (!responders.ok) return responders;
  const gateways = decodeList("gateways", message.gateways, LIMITS.gatewaysPerMember, (gateway) =>
    decodeGateway(gateway, nodes.value),
  );
  if (!gateways.ok) return gateways;
  const proxies = decodeList("proxies", message.proxies, LIMITS.proxiesPerMember, decodeProxy);
  if (!proxies.ok) return proxies;
  const overlay = decodeOverlay(message.overlay);
  if (!overlay.ok) return overlay;
  return ok({
    podCidrs: [...message.podCidrs],
    serviceCidrs: [...message.serviceCidrs],
    globalPrefixes: globals.value,
    nodePrefixes: [...message.nodePrefixes],
    // A later version's means nothing here.
    backends: message.backends.filter(isBackendName),
    responders: responders.value,
    gateways: gateways.value,
    proxies: proxies.value,
    ...overlay.value,
  });
}

function decodeList<T, U>(
  what: string,
  items: readonly T[],
  max: number,
  decode: (item: T) => Result<U, string>,
): Result<readonly U[], string> {
  if (items.length > max) return err(`${what} must be at most ${max}: got ${items.length}`);
  const values: U[] = [];
  for (const item of items) {
    const decoded = decode(item);
    if (!decoded.ok) return decoded;
    values.push(decoded.value);
  }
  return ok(values);
}

function decodeCidrs(
  what: string,
  texts: readonly string[],
  max: number,
): Result<readonly Cidr[], string> {
  return decodeList(`${what}${what.endsWith("x") ? "es" : "s"}`, texts, max, (text) =>
    parseMemberCidr(what, text),
  );
}

/** Also of what a member asks for in Hello. */
export function decodeGlobalPrefix({ cidr, global }: GlobalPrefix): Result<GlobalPrefix, string> {
  const from = parseMemberCidr("pod network", cidr);
  if (!from.ok) return from;
  const to = parseMemberCidr("global prefix", global);
  if (!to.ok) return to;
  const isOneToOne = from.value.family === to.value.family && from.value.prefix === to.value.prefix;
  return isOneToOne
    ? ok({ cidr, global })
    : err(`global prefix must have family and length of ${cidr}: got ${quote(global)}`);
}

function decodeGateway(
  message: Gateway,
  nodePrefixes: readonly Cidr[],
): Result<GatewayFact, string> {
  const node = parseSubdomain("node of a gateway", message.node);
  if (!node.ok) return node;
  const max = LIMITS.addressesPerGateway;
  const endpoints = decodeList("addresses of a gateway", message.endpoints, max, decodeAddress);
  if (!endpoints.ok) return endpoints;
  const tunnels = decodeList(
    "tunnel addresses of a gateway",
    message.tunnelAddresses,
    max,
    (text) => decodeTunnelAddress(text, nodePrefixes),
  );
  if (!tunnels.ok) return tunnels;
  const port = decodePort("port of a gateway", message.port);
  if (!port.ok) return port;
  const wireguard = decodeWireguard(message);
  if (!wireguard.ok) return wireguard;
  return ok({
    node: node.value,
    endpoints: endpoints.value,
    port: port.value,
    tunnelAddresses: tunnels.value,
    ...wireguard.value,
  });
}

function decodeAddress(text: string): Result<string, string> {
  const family: IpFamily = isIPv4(text) ? "IPv4" : "IPv6";
  return parseEndpointAddress(family, text);
}

function decodeTunnelAddress(text: string, nodePrefixes: readonly Cidr[]): Result<string, string> {
  const address = parseIpAddress(text);
  if (!address.ok) return address;
  return nodePrefixes.some((prefix) => containsAddress(prefix, address.value))
    ? ok(text)
    : err(`tunnel address must lie in the node prefixes: got ${quote(text)}`);
}

function decodePort(what: string, port: number): Result<number, string> {
  return port >= 1 && port <= 65_535 ? ok(port) : err(`${what} must be 1 to 65535: got ${port}`);
}

function decodeWireguard({
  publicKey,
  wgPort,
}: Gateway): Result<Pick<GatewayFact, "publicKey" | "wgPort">, string> {
  if (publicKey === undefined && wgPort === undefined) return ok({});
  if (publicKey === undefined || wgPort === undefined) {
    return err("public key and wgPort of a gateway must come together: got one of them");
  }
  if (!PUBLIC_KEY.test(publicKey)) {
    return err(`public key must be 32 bytes in base64: got ${quote(publicKey)}`);
  }
  const port = decodePort("wgPort", wgPort);
  return port.ok ? ok({ publicKey, wgPort }) : port;
}

/** Peers dial it by address, or by a name of the DNS that both know. */
function decodeProxy(endpoint: string): Result<ProxyFact, string> {
  if (parseSocketAddress("proxy", endpoint).ok) return ok({ endpoint });
  const found = /^(?<host>[^:]+):(?<port>[1-9]\d{0,4})$/.exec(endpoint)?.groups;
  const host = found?.["host"] ?? "";
  const isName = /[a-z]/.test(host) && parseSubdomain("proxy", host).ok && host !== "localhost";
  return isName && Number(found?.["port"]) <= 65_535
    ? ok({ endpoint })
    : err(
        `proxy must be host:port, a name or an address that peers can dial: got ${quote(endpoint)}`,
      );
}

function decodeOverlay(message: Overlay | undefined): Result<{ overlay?: OverlayFact }, string> {
  if (message === undefined) return ok({});
  const mesh = parseDnsLabel("mesh", message.mesh);
  if (!mesh.ok) return mesh;
  const id = parseLabelValue("name in the mesh", message.id);
  return id.ok ? ok({ overlay: { mesh: mesh.value, id: id.value } }) : id;
}
