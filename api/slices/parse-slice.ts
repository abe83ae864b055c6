import { z } from "zod";
import { type ClusterId, parseClusterId } from "../cluster-id.ts";
import { parseDnsLabel } from "../dns-label.ts";
import { type NamespacePattern, parseNamespacePattern } from "../policy/namespace-rules.ts";
import { err, ok, type Result } from "../result.ts";
import { parseRate, RATE_MAX, RATE_MIN } from "./rate.ts";
import type { Slice } from "./slice.ts";

const CLUSTERS_MAX = 500;
const NAMESPACES_MAX = 50;
const LABELS_MAX = 8;

const clusterId = z.string().transform((text, context): ClusterId => {
  const parsed = parseClusterId(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

const pattern = z.string().transform((text, context): NamespacePattern => {
  const parsed = parseNamespacePattern(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

/** People write `50Mbit`, objects and messages hold bits per second. */
const rate = z.union([
  z.int().min(RATE_MIN).max(RATE_MAX),
  z.string().transform((text, context): number => {
    const parsed = parseRate(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: "custom", message: parsed.error });
    return z.NEVER;
  }),
]);

/** Label syntax is the API server's to judge: a label that cannot be matches no pod. */
const labels = z
  .record(z.string().min(1).max(317), z.string().max(63))
  .refine((given) => Object.keys(given).length <= LABELS_MAX, {
    message: `must be at most ${LABELS_MAX} labels`,
  });

/** One slice but for its name, as the hub's policy and the objects of `isthmus.dev` write it. */
export const sliceDocument = z
  .strictObject({
    clusters: z.array(clusterId).min(1).max(CLUSTERS_MAX),
    namespaces: z.array(pattern).min(1).max(NAMESPACES_MAX),
    podSelector: z.exactOptional(z.strictObject({ matchLabels: labels })),
    bandwidth: z.exactOptional(
      z.strictObject({ floor: z.exactOptional(rate), ceiling: z.exactOptional(rate) }),
    ),
  })
  .refine(
    ({ bandwidth: { floor = 0, ceiling = Number.POSITIVE_INFINITY } = {} }) => floor <= ceiling,
    { message: "bandwidth floor must be at most the ceiling" },
  );

export type SliceDocument = z.output<typeof sliceDocument>;

export function parseSlice(name: string, document: unknown): Result<Slice, string> {
  const label = parseDnsLabel("slice", name);
  if (!label.ok) return label;
  const read = sliceDocument.safeParse(document);
  if (read.success) return ok(sliceOf(name, read.data));
  const [issue] = read.error.issues;
  const path = (issue?.path ?? []).join(".");
  return err(`cannot use slice ${name}: ${path}: ${issue?.message ?? "invalid"}`);
}

export function sliceOf(name: string, document: SliceDocument): Slice {
  return {
    name,
    clusters: [...new Set(document.clusters)].toSorted(),
    namespaces: document.namespaces,
    podLabels: document.podSelector?.matchLabels ?? {},
    bandwidth: document.bandwidth ?? {},
  };
}

/** What `parseSlice` reads as this slice again. */
export function documentOf(slice: Slice): SliceDocument {
  return {
    clusters: [...slice.clusters],
    namespaces: [...slice.namespaces],
    ...(Object.keys(slice.podLabels).length > 0 && {
      podSelector: { matchLabels: { ...slice.podLabels } },
    }),
    ...(Object.keys(slice.bandwidth).length > 0 && { bandwidth: { ...slice.bandwidth } }),
  };
}
