import type { NetworkRow, Row } from "../../api/broker/row.ts";
import { assertNever } from "../../api/invariant.ts";
import { cidrAround, containsCidr, parseCidr } from "../../api/network/cidr.ts";
import { parseIpAddress } from "../../api/network/ip-address.ts";
import { denialOf } from "../../api/policy/namespace-rules.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { quote } from "../wire/kube-syntax.ts";
import type { ClusterPolicy } from "./cluster-policy.ts";
import { isForeign } from "./cluster-slices.ts";

/** What a cluster holds, as policy counts it. */
export interface Holdings {
  readonly exports: number;
  readonly endpoints: number;
}

export const NO_HOLDINGS: Holdings = { exports: 0, endpoints: 0 };

/** A row by itself: its namespace, its size, its addresses. Errors say rule and value, for the exporter's condition. */
export function checkRow(policy: ClusterPolicy, row: Row, byteCount: number): Result<void, string> {
  if (row.kind === "network") return checkNetworkRow(policy, row, byteCount);
  const denial = denialOf(policy.exports, row.namespace);
  if (denial !== undefined) {
    return err(
      `namespace must be one that the hub's policy lets cluster ${row.cluster} export from: got ${quote(row.namespace)}: ${denial}`,
    );
  }
  if (isForeign(policy.slices, row.namespace)) {
    return err(
      `namespace must be of a slice that cluster ${row.cluster} is in, since the hub's policy has it in slices: got ${quote(row.namespace)}`,
    );
  }
  const size = checkSize(policy, row, byteCount);
  return size.ok ? checkAddresses(policy, row) : size;
}

function checkSize(policy: ClusterPolicy, row: Row, byteCount: number): Result<void, string> {
  if (byteCount <= policy.maxRowBytes) return ok(undefined);
  return err(
    `row must be at most ${policy.maxRowBytes} bytes by the hub's policy for cluster ${row.cluster}: got ${byteCount}`,
  );
}

/** Of no namespace; its pod networks must lie in those that the hub's admin fixed, each within one of them. */
function checkNetworkRow(
  policy: ClusterPolicy,
  row: NetworkRow,
  byteCount: number,
): Result<void, string> {
  const size = checkSize(policy, row, byteCount);
  if (!size.ok || policy.cidrs.length === 0) return size;
  const outside = row.podCidrs.find((text) => !policy.cidrs.some((outer) => isWithin(outer, text)));
  if (outside === undefined) return ok(undefined);
  return err(
    `pod network must lie in the cidrs that the hub's policy gives cluster ${row.cluster} (${policy.cidrs.join(", ")}): got ${quote(outside)}`,
  );
}

/** The document may write networks with bits beyond their prefix. */
function isWithin(outerText: string, innerText: string): boolean {
  const [addressText = "", prefix] = outerText.split("/");
  const address = parseIpAddress(addressText);
  const inner = parseCidr(innerText);
  return (
    address.ok && inner.ok && containsCidr(cidrAround(address.value, Number(prefix)), inner.value)
  );
}

/** SEC-06: what a cluster announces itself can only narrow what the hub's admin fixed. */
function checkAddresses({ cidrs, networks }: ClusterPolicy, row: Row): Result<void, string> {
  if (row.kind !== "endpoints" || cidrs.length === 0) return ok(undefined);
  for (const { addresses } of row.endpoints) {
    const outside = addresses.find((address) => !networks.contains(row.addressType, address));
    if (outside !== undefined) {
      return err(
        `address must lie in the cidrs that the hub's policy gives cluster ${row.cluster} (${cidrs.join(", ")}): got ${quote(outside)}`,
      );
    }
  }
  return ok(undefined);
}

/** The cluster's rows all together, as they would be; `before` is what they are, so that shrinking is never refused. */
export function checkHoldings(
  policy: ClusterPolicy,
  before: Holdings,
  after: Holdings,
): Result<void, string> {
  const { maxExports, maxEndpoints } = policy;
  if (after.exports > maxExports && after.exports > before.exports) {
    return err(
      `exports of one cluster must be at most ${maxExports} by the hub's policy: with this one it would have ${after.exports}`,
    );
  }
  if (after.endpoints > maxEndpoints && after.endpoints > before.endpoints) {
    return err(
      `endpoints of one cluster must be at most ${maxEndpoints} by the hub's policy: with this row it would have ${after.endpoints}`,
    );
  }
  return ok(undefined);
}

export function holdingsOf(row: Row): Holdings {
  switch (row.kind) {
    case "export":
      return { exports: 1, endpoints: 0 };
    case "endpoints":
      return { exports: 0, endpoints: row.endpoints.length };
    case "network":
      return NO_HOLDINGS;
    default:
      return assertNever(row);
  }
}

export function plus(a: Holdings, b: Holdings): Holdings {
  return { exports: a.exports + b.exports, endpoints: a.endpoints + b.endpoints };
}

export function minus(a: Holdings, b: Holdings): Holdings {
  return { exports: a.exports - b.exports, endpoints: a.endpoints - b.endpoints };
}
