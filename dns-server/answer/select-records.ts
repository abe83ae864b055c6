import { TYPE } from "../wire/dns-numbers.ts";
import type { RecordData } from "../wire/message-writer.ts";
import type { NameNode } from "../zone/service-records.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";

/** TTL of dns-version in the specification's example (DNS-03). */
const SCHEMA_TTL_SECONDS = 28_800;

export interface SelectedRecords {
  readonly ttlSeconds: number;
  readonly data: readonly RecordData[];
  /** Parts of the traffic, by `data`; absent when all are alike. */
  readonly shares?: readonly number[];
}

/** The apex and dns-version need the zone's settings; services need their origin to write targets. */
export interface RecordContext {
  readonly config: ZoneConfig;
  readonly serial: number;
  /** `<service>.<namespace>.svc.<zone>`, or the zone for static names. */
  readonly origin: string;
}

/** Records of one name and type; undefined is NODATA. */
export function selectRecords(
  node: NameNode,
  type: number,
  context: RecordContext,
): SelectedRecords | undefined {
  const data = recordsOf(node, type === TYPE.ANY ? smallestType(node) : type, context);
  if (data.length === 0) return undefined;
  const ttlSeconds = node.txt === undefined ? context.config.ttlSeconds : SCHEMA_TTL_SECONDS;
  const shares = sharesOf(node, data[0]?.type);
  return { ttlSeconds, data, ...(shares === undefined ? {} : { shares }) };
}

function sharesOf(
  node: NameNode,
  type: RecordData["type"] | undefined,
): readonly number[] | undefined {
  if (type === "A") return node.aShares;
  return type === "AAAA" ? node.aaaaShares : undefined;
}

/** "A DNS responder ... MAY return ... a subset of the available RRsets" to ANY (RFC 8482, section 4.1): one. */
function smallestType(node: NameNode): number {
  if (node.isApex === true) return TYPE.SOA;
  if (node.txt !== undefined) return TYPE.TXT;
  if (node.a !== undefined) return TYPE.A;
  if (node.aaaa !== undefined) return TYPE.AAAA;
  return TYPE.SRV;
}

function recordsOf(node: NameNode, type: number, context: RecordContext): readonly RecordData[] {
  switch (type) {
    case TYPE.A:
      return (node.a ?? []).map((address) => ({ type: "A", address }));
    case TYPE.AAAA:
      return (node.aaaa ?? []).map((address) => ({ type: "AAAA", address }));
    case TYPE.SRV:
      return srvRecords(node, context.origin);
    case TYPE.TXT:
      return node.txt === undefined ? [] : [{ type: "TXT", text: node.txt }];
    case TYPE.NS:
      return node.isApex === true ? [{ type: "NS", target: context.config.nsName }] : [];
    case TYPE.SOA:
      return node.isApex === true ? [soaData(context.config, context.serial)] : [];
    default:
      return [];
  }
}

function srvRecords(node: NameNode, origin: string): readonly RecordData[] {
  if (node.srv === undefined) return [];
  const { weight, records } = node.srv;
  return records.map(({ port, target, weight: own }) => ({
    type: "SRV",
    weight: own ?? weight,
    port,
    target: target === "" ? origin : `${target}.${origin}`,
  }));
}

export function soaData(config: ZoneConfig, serial: number): RecordData {
  return {
    type: "SOA",
    mname: config.nsName,
    rname: `hostmaster.${config.zone}`,
    serial,
    negativeTtlSeconds: config.negativeTtlSeconds,
  };
}
