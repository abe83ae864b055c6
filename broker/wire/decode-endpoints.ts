import type { Endpoint, Endpoints } from "../../api/broker/broker.gen.ts";
import type { EndpointsRow, RowEndpoint } from "../../api/broker/row.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseEndpointAddress } from "./address-rules.ts";
import { decodePorts } from "./decode-ports.ts";
import { parseLabelValue, parseOneOf, parseSubdomain } from "./kube-syntax.ts";
import { LIMITS } from "./limits.ts";

export const IP_FAMILIES: readonly IpFamily[] = ["IPv4", "IPv6"];

type EndpointsContent = Omit<EndpointsRow, "cluster" | "namespace" | "name">;

/** The content of an endpoints row, valid as an EndpointSlice would be (EPS-11). */
export function decodeEndpoints(message: Endpoints): Result<EndpointsContent, string> {
  const slice = parseSubdomain("slice name", message.slice);
  if (!slice.ok) return slice;
  const addressType = parseOneOf("addressType", IP_FAMILIES, message.addressType);
  if (!addressType.ok) return addressType;
  const ports = decodePorts(message.ports);
  if (!ports.ok) return ports;
  if (message.endpoints.length > LIMITS.endpointsPerRow) {
    return err(
      `endpoints must be at most ${LIMITS.endpointsPerRow} in a row: got ${message.endpoints.length}`,
    );
  }
  const endpoints: RowEndpoint[] = [];
  for (const endpoint of message.endpoints) {
    const one = decodeEndpoint(addressType.value, endpoint);
    if (!one.ok) return one;
    endpoints.push(one.value);
  }
  return ok({
    kind: "endpoints",
    slice: slice.value,
    addressType: addressType.value,
    ports: ports.value,
    endpoints,
  });
}

function decodeEndpoint(family: IpFamily, message: Endpoint): Result<RowEndpoint, string> {
  const { addresses, ready, serving, terminating, hostname, zone } = message;
  if (addresses.length < 1 || addresses.length > LIMITS.addressesPerEndpoint) {
    return err(
      `addresses of an endpoint must be 1 to ${LIMITS.addressesPerEndpoint}: got ${addresses.length}`,
    );
  }
  for (const address of addresses) {
    const parsed = parseEndpointAddress(family, address);
    if (!parsed.ok) return parsed;
  }
  if (hostname !== undefined) {
    const parsed = parseDnsLabel("hostname", hostname);
    if (!parsed.ok) return parsed;
  }
  if (zone !== undefined) {
    const parsed = parseLabelValue("zone", zone);
    if (!parsed.ok) return parsed;
  }
  return ok({
    addresses: [...addresses],
    ready,
    serving,
    terminating,
    ...(hostname === undefined ? {} : { hostname }),
    ...(zone === undefined ? {} : { zone }),
  });
}
