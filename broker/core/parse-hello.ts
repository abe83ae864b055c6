import type { Hello, Subscribe } from "../../api/broker/broker.gen.ts";
import { parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { GlobalNeed } from "../globals/global-block.ts";
import { parseNeed } from "../globals/parse-need.ts";
import { type AnnouncedCidrs, parseCidrs } from "../wire/address-rules.ts";
import { BATCH_CAPABILITY } from "../wire/batch.ts";
import { NETWORK_CAPABILITY } from "../wire/decode-network.ts";
import { LIMITS } from "../wire/limits.ts";
import { SLICES_CAPABILITY, VISIBILITY_LENGTH_MAX } from "../wire/slice-scopes.ts";
import type { KnownOwner, NetworksWanted } from "./subscriber.ts";

/** Protocol versions this broker speaks. */
const PROTOCOL_VERSIONS: readonly number[] = [1];

export interface ParsedHello {
  readonly protocolVersion: number;
  readonly storeEpoch: string;
  readonly namespaces: readonly string[];
  readonly known: readonly KnownOwner[];
  readonly cidrs: AnnouncedCidrs;
  /** It takes several messages in one. */
  readonly takesBatches: boolean;
  /** Rows of kind network: it does not take them, holds them as far as `known` says, or is to be sent all of them. */
  readonly networks: NetworksWanted;
  /** Of a member that takes network rows. */
  readonly globalNeed: GlobalNeed | undefined;
  /** Of a member that keeps to slices: what it holds was sent under. */
  readonly visibility: string | undefined;
  /** Empty: none. */
  readonly ownDigest: Uint8Array;
}

export function parseHello(hello: Hello): Result<ParsedHello, string> {
  const { protocolVersions, storeEpoch } = hello;
  const protocolVersion = protocolVersions.find((version) => PROTOCOL_VERSIONS.includes(version));
  if (protocolVersion === undefined) {
    const offered = protocolVersions.slice(0, 10).join(", ");
    const spoken = PROTOCOL_VERSIONS.join(", ");
    return err(`protocol version must be one the broker speaks (${spoken}): got [${offered}]`);
  }
  const namespaces = parseNamespaces(hello.namespaces);
  if (!namespaces.ok) return namespaces;
  const known = parseKnown(hello.known);
  if (!known.ok) return known;
  const cidrs = parseCidrs(hello.cidrs);
  if (!cidrs.ok) return cidrs;
  const globalNeed = hello.globalNeed === undefined ? ok(undefined) : parseNeed(hello.globalNeed);
  if (!globalNeed.ok) return globalNeed;
  const { visibility = "" } = hello;
  if (visibility.length > VISIBILITY_LENGTH_MAX) {
    return err(
      `visibility must be at most ${VISIBILITY_LENGTH_MAX} characters: got ${visibility.length}`,
    );
  }
  const takesSlices = hello.capabilities.includes(SLICES_CAPABILITY);
  const takesNetworks = hello.capabilities.includes(NETWORK_CAPABILITY);
  return ok({
    protocolVersion,
    storeEpoch,
    namespaces: namespaces.value,
    known: known.value,
    cidrs: cidrs.value,
    ownDigest: hello.ownDigest,
    takesBatches: hello.capabilities.includes(BATCH_CAPABILITY),
    networks: takesNetworks ? (hello.networksKnown === true ? "known" : "unknown") : "none",
    visibility: takesSlices ? visibility : undefined,
    globalNeed: takesNetworks ? globalNeed.value : undefined,
  });
}

/** Both lists of a Subscribe are namespaces; how many a member may have in all is the session's to check. */
export function parseSubscribe(subscribe: Subscribe): Result<Subscribe, string> {
  const add = parseNamespaces(subscribe.add);
  if (!add.ok) return add;
  const remove = parseNamespaces(subscribe.remove);
  return remove.ok ? ok(subscribe) : remove;
}

function parseNamespaces(namespaces: readonly string[]): Result<readonly string[], string> {
  if (namespaces.length > LIMITS.namespacesPerMember) {
    return err(tooManyNamespaces(namespaces.length));
  }
  for (const namespace of namespaces) {
    const parsed = parseDnsLabel("namespace", namespace);
    if (!parsed.ok) return parsed;
  }
  return ok(namespaces);
}

export function tooManyNamespaces(count: number): string {
  return `namespaces must be at most ${LIMITS.namespacesPerMember}: got ${count}`;
}

function parseKnown(known: Hello["known"]): Result<readonly KnownOwner[], string> {
  if (known.length > LIMITS.knownOwners) {
    return err(`known owners must be at most ${LIMITS.knownOwners}: got ${known.length}`);
  }
  const owners: KnownOwner[] = [];
  for (const { clusterId, incarnation, sequence } of known) {
    const cluster = parseClusterId(clusterId);
    if (!cluster.ok) return cluster;
    owners.push({ cluster: cluster.value, incarnation, sequence });
  }
  return ok(owners);
}
