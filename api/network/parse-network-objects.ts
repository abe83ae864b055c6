import { z } from "zod";
import { type ClusterId, parseClusterId } from "../cluster-id.ts";
import type { KubeObject } from "../kube/object.ts";
import { err, ok, type Result } from "../result.ts";
import { BACKEND_NAMES } from "./backend-name.ts";
import {
  ENCRYPTIONS,
  type MemberNetwork,
  type MemberNetworkSpec,
  type MemberNetworkStatus,
} from "./member-network.ts";
import type { NetworkFacts } from "./network-facts.ts";
import { type PathReport, type PathReportSpec, REPORTER_ROLES } from "./path-report.ts";
import { PATH_STATES, type PathStatus, type Peer, type PeerSpec, type PeerStatus } from "./peer.ts";
import { type ProxyTraffic, STREAM_DIRECTIONS } from "./proxy-traffic.ts";

/**
 * The objects of `isthmus.dev` in the shape that the code relies on. Each has one writer, and the API server has
 * checked it against the CRD; a CRD of another version may let more through, so an object that is not in this shape is
 * refused whole, with what is wrong: half a network would be a wrong one. Fields that are not known are left out.
 */
export function parseMemberNetwork(object: KubeObject): Result<MemberNetwork, string> {
  const spec = readPart(MEMBER_NETWORK_SPEC, "spec", object);
  if (!spec.ok) return spec;
  if (!("status" in object)) return ok({ ...head(object), spec: spec.value });
  const status = readPart(MEMBER_NETWORK_STATUS, "status", object);
  return status.ok ? ok({ ...head(object), spec: spec.value, status: status.value }) : status;
}

export function parsePeer(object: KubeObject): Result<Peer, string> {
  const spec = readPart(PEER_SPEC, "spec", object);
  if (!spec.ok) return spec;
  if (!("status" in object)) return ok({ ...head(object), spec: spec.value });
  const status = readPart(PEER_STATUS, "status", object);
  return status.ok ? ok({ ...head(object), spec: spec.value, status: status.value }) : status;
}

export function parsePathReport(object: KubeObject): Result<PathReport, string> {
  const spec = readPart(PATH_REPORT_SPEC, "spec", object);
  return spec.ok ? ok({ ...head(object), spec: spec.value }) : spec;
}

/** Undefined: it is no proxy's, or of one that tells nothing. */
export function parseProxyTraffic(object: KubeObject): Result<ProxyTraffic | undefined, string> {
  const read = readPart(TRAFFIC_SPEC, "spec", object);
  return read.ok ? ok(read.value.traffic) : read;
}

function head({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata };
}

/** An absent list is an empty one. */
function listOf<T extends z.ZodType>(item: T) {
  return z.array(item).default([]);
}

const texts = listOf(z.string());
const port = z.int().min(1).max(65_535);
const mtu = z.int().min(576).max(65_535);

const clusterId = z.string().transform((text, context): ClusterId => {
  const parsed = parseClusterId(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

const globalPrefix = z.object({ cidr: z.string(), global: z.string() });

const NETWORK_FACTS = z.object({
  podCidrs: texts,
  serviceCidrs: texts,
  globalPrefixes: listOf(globalPrefix),
  nodePrefixes: texts,
  // What a later version can do besides means nothing here.
  backends: texts.transform((names) =>
    BACKEND_NAMES.filter((name) => names.some((text) => text === name)),
  ),
  responders: texts,
  gateways: listOf(
    z.object({
      node: z.string(),
      endpoints: texts,
      port,
      tunnelAddresses: texts,
      publicKey: z.exactOptional(z.string()),
      wgPort: z.exactOptional(port),
    }),
  ),
  proxies: listOf(z.object({ endpoint: z.string() })),
  overlay: z.exactOptional(z.object({ mesh: z.string(), id: z.string() })),
}) satisfies z.ZodType<NetworkFacts>;

const PEER_SPEC = NETWORK_FACTS.extend({ cluster: clusterId }) satisfies z.ZodType<PeerSpec>;

const PATH_STATUS = z.object({
  backend: z.enum(BACKEND_NAMES),
  state: z.enum(PATH_STATES),
  rttMs: z.exactOptional(z.number().min(0)),
  lossPercent: z.exactOptional(z.number().min(0).max(100)),
  mtu: z.exactOptional(mtu),
  reason: z.exactOptional(z.string()),
  since: z.exactOptional(z.string()),
}) satisfies z.ZodType<PathStatus>;

const PEER_STATUS = z.object({
  backend: z.exactOptional(z.enum(BACKEND_NAMES)),
  since: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  dead: z.exactOptional(z.boolean()),
  paths: listOf(PATH_STATUS),
}) satisfies z.ZodType<PeerStatus>;

const PATH_REPORT_SPEC = z.object({
  role: z.enum(REPORTER_ROLES),
  node: z.exactOptional(z.string()),
  endpoints: texts,
  clientAddresses: z.exactOptional(z.array(z.string())),
  port: z.exactOptional(port),
  publicKey: z.exactOptional(z.string()),
  wgPort: z.exactOptional(port),
  paths: listOf(PATH_STATUS.extend({ peer: clusterId })),
  renewedAt: z.string(),
}) satisfies z.ZodType<PathReportSpec>;

const count = z.number().min(0);
const STREAM_COUNTS = z.object({
  open: count,
  connections: count,
  failed: count,
  bytesFromTunnel: count,
  bytesToTunnel: count,
});

const TRAFFIC_SPEC = z.object({
  traffic: z.exactOptional(
    STREAM_COUNTS.extend({
      services: listOf(
        STREAM_COUNTS.extend({
          peer: clusterId,
          service: z.string(),
          direction: z.enum(STREAM_DIRECTIONS),
          errors: z.record(z.string(), count).default({}),
          connectMs: z.exactOptional(z.object({ p50: count, p99: count })),
        }),
      ),
      leftOut: count.default(0),
    }) satisfies z.ZodType<ProxyTraffic>,
  ),
});

const MEMBER_NETWORK_SPEC = z.object({
  cluster: clusterId,
  podCidrs: texts,
  serviceCidrs: texts,
  globalPrefixes: listOf(globalPrefix),
  nodePrefixes: texts,
  nodeAddresses: z.record(z.string(), z.array(z.string())).default({}),
  gateways: listOf(
    z.object({
      node: z.string(),
      internalIps: texts,
      port,
      tunnelAddresses: texts,
      ready: z.boolean(),
    }),
  ),
  encryption: z.enum(ENCRYPTIONS).default("none"),
  mtu: z.exactOptional(mtu),
}) satisfies z.ZodType<MemberNetworkSpec>;

const MEMBER_NETWORK_STATUS = z.object({
  problems: texts,
}) satisfies z.ZodType<MemberNetworkStatus>;

function readPart<T extends z.ZodType>(
  schema: T,
  part: "spec" | "status",
  object: KubeObject,
): Result<z.output<T>, string> {
  const given: unknown = Reflect.get(object, part);
  const read = schema.safeParse(given);
  if (read.success) return ok(read.data);
  const issue = read.error.issues[0];
  const path = [part, ...(issue?.path ?? [])].join(".");
  return err(
    `cannot use ${object.kind} ${object.metadata.name}: ${path}: ${issue?.message ?? "invalid"}`,
  );
}
