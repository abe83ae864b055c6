import { z } from "zod";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { invariant } from "../../api/invariant.ts";
import {
  type NamespacePattern,
  type NamespaceRules,
  parseNamespacePattern,
} from "../../api/policy/namespace-rules.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { sliceDocument, sliceOf } from "../../api/slices/parse-slice.ts";
import { SliceSet } from "../../api/slices/slice-set.ts";
import { readDocument } from "../../runtime/config/read-document.ts";
import { parseCidrs } from "../wire/address-rules.ts";
import { LIMITS } from "../wire/limits.ts";
import { type ClusterPolicy, type HubPolicy, UNLIMITED } from "./cluster-policy.ts";
import { clusterSlices } from "./cluster-slices.ts";

/** A cluster's stream must still be heard within its heartbeats, so a pace is at least this. */
const WRITES_PER_SECOND_MIN = 1;
const WRITES_PER_SECOND_MAX = 5000;
const PATTERNS_MAX = 1000;

const pattern = z.string().transform((text, context): NamespacePattern => {
  const parsed = parseNamespacePattern(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: "must be a namespace pattern" });
  return z.NEVER;
});

const namespaces = z.strictObject({
  allow: z.array(pattern).max(PATTERNS_MAX).optional(),
  deny: z.array(pattern).max(PATTERNS_MAX).optional(),
});

const cidrs = z.array(z.string()).superRefine((texts, context) => {
  const parsed = parseCidrs(texts);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
});

/** Settings of one cluster, or of all that say nothing else. */
const entry = z.strictObject({
  export: namespaces.optional(),
  import: namespaces.optional(),
  maxExports: z.int().min(0).max(UNLIMITED.maxExports).optional(),
  maxEndpoints: z.int().min(0).max(UNLIMITED.maxEndpoints).optional(),
  maxRowBytes: z.int().min(1).max(LIMITS.rowBytes).optional(),
  writesPerSecond: z.int().min(WRITES_PER_SECOND_MIN).max(WRITES_PER_SECOND_MAX).optional(),
  cidrs: cidrs.optional(),
});

const clusterId = z.string().superRefine((text, context) => {
  const parsed = parseClusterId(text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
});

const sliceName = z.string().superRefine((text, context) => {
  const parsed = parseDnsLabel("slice", text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
});

const policyDocument = z.strictObject({
  defaults: entry.optional(),
  clusters: z.record(clusterId, entry).optional(),
  slices: z.record(sliceName, sliceDocument).optional(),
});

type Entry = z.output<typeof entry>;

/**
 * The hub's policy out of its document: each setting that a cluster's entry holds replaces that one setting of
 * `defaults`, what it does not hold stays.
 */
export function parsePolicy(text: string): Result<HubPolicy, string> {
  const read = readDocument(policyDocument, text);
  if (!read.ok) return read;
  const { defaults = {}, clusters = {}, slices = {} } = read.value;
  const set = SliceSet.of(Object.entries(slices).map(([name, slice]) => sliceOf(name, slice)));
  if (!set.ok) return err(`slices: ${set.error}`);
  const others = resolve(defaults, {});
  const named = new Map(
    Object.entries(clusters).map(([cluster, own]) => [cluster, resolve(defaults, own)]),
  );
  // BOUNDED: by the members that ask.
  const resolved = new Map<ClusterId, ClusterPolicy>();
  return ok({
    of: (cluster: ClusterId) => {
      const known = resolved.get(cluster);
      if (known !== undefined) return known;
      const policy = {
        ...(named.get(cluster) ?? others),
        slices: clusterSlices(set.value, cluster),
      };
      resolved.set(cluster, policy);
      return policy;
    },
  });
}

function resolve(defaults: Entry, own: Entry): ClusterPolicy {
  const texts = own.cidrs ?? defaults.cidrs ?? UNLIMITED.cidrs;
  const networks = parseCidrs(texts);
  invariant(networks.ok, "the schema has parsed the cidrs", { texts });
  return {
    exports: rules(defaults.export, own.export),
    imports: rules(defaults.import, own.import),
    maxExports: own.maxExports ?? defaults.maxExports ?? UNLIMITED.maxExports,
    maxEndpoints: own.maxEndpoints ?? defaults.maxEndpoints ?? UNLIMITED.maxEndpoints,
    maxRowBytes: own.maxRowBytes ?? defaults.maxRowBytes ?? UNLIMITED.maxRowBytes,
    writesPerSecond: own.writesPerSecond ?? defaults.writesPerSecond ?? UNLIMITED.writesPerSecond,
    cidrs: texts,
    networks: networks.value,
    slices: UNLIMITED.slices,
  };
}

function rules(defaults: Entry["export"], own: Entry["export"]): NamespaceRules {
  return {
    allow: own?.allow ?? defaults?.allow ?? [],
    deny: own?.deny ?? defaults?.deny ?? [],
  };
}
