import type { Export } from "../../api/broker/broker.gen.ts";
import type { ExportRow } from "../../api/broker/row.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import type { ServiceImportType } from "../../api/mcs/service-import.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { IP_FAMILIES } from "./decode-endpoints.ts";
import { decodePorts } from "./decode-ports.ts";
import { parseLabelValue, parseOneOf, parseQualifiedName, quote } from "./kube-syntax.ts";
import { LIMITS } from "./limits.ts";

const TYPES: readonly ServiceImportType[] = ["ClusterSetIP", "Headless"];
/** Largest time a Date can hold. */
const MAX_TIME_MS = 8_640_000_000_000_000;
const MAX_AFFINITY_SECONDS = 86_400;

type ExportContent = Omit<ExportRow, "cluster" | "namespace" | "name">;

/** The content of an export row: everything another cluster will write into its API server (SEC-06). */
export function decodeExport(message: Export): Result<ExportContent, string> {
  if (message.createdAtMs > MAX_TIME_MS) {
    return err(`creation time must be at most ${MAX_TIME_MS} ms: got ${message.createdAtMs}`);
  }
  const type = parseOneOf("type", TYPES, message.type);
  if (!type.ok) return type;
  const ports = decodePorts(message.ports);
  if (!ports.ok) return ports;
  const numbers = new Set(ports.value.map(({ protocol, port }) => `${protocol} ${port}`));
  if (numbers.size !== ports.value.length) {
    return err(
      "ports must have a protocol and number of their own, as in a Service: got duplicates",
    );
  }
  if (type.value === "ClusterSetIP" && ports.value.length === 0) {
    return err(
      "ports of a service with an address must be at least one, as in a Service: got none",
    );
  }
  const ipFamilies = decodeIpFamilies(message.ipFamilies);
  if (!ipFamilies.ok) return ipFamilies;
  const policies = decodePolicies(message);
  if (!policies.ok) return policies;
  const labels = decodeLabels(message.labels);
  if (!labels.ok) return labels;
  const annotations = decodeAnnotations(message.annotations);
  if (!annotations.ok) return annotations;
  return ok({
    kind: "export",
    createdAtMs: message.createdAtMs,
    type: type.value,
    ports: ports.value,
    ...policies.value,
    ipFamilies: ipFamilies.value,
    labels: labels.value,
    annotations: annotations.value,
  });
}

function decodeIpFamilies(families: readonly string[]): Result<ExportRow["ipFamilies"], string> {
  // Checked first: a hostile list is not worth walking.
  if (families.length > IP_FAMILIES.length || new Set(families).size !== families.length) {
    return err(`ipFamilies must be at most one each of IPv4 and IPv6: got ${families.length}`);
  }
  const decoded: IpFamily[] = [];
  for (const family of families) {
    const parsed = parseOneOf("ipFamilies", IP_FAMILIES, family);
    if (!parsed.ok) return parsed;
    decoded.push(parsed.value);
  }
  return ok(decoded);
}

type Policies = Pick<
  ExportRow,
  | "sessionAffinity"
  | "sessionAffinityTimeoutSeconds"
  | "internalTrafficPolicy"
  | "trafficDistribution"
>;

function decodePolicies(message: Export): Result<Policies, string> {
  const affinity = parseOneOf("sessionAffinity", ["None", "ClientIP"], message.sessionAffinity);
  if (!affinity.ok) return affinity;
  const { sessionAffinityTimeoutSeconds, internalTrafficPolicy, trafficDistribution } = message;
  const seconds = sessionAffinityTimeoutSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > MAX_AFFINITY_SECONDS)) {
    return err(`session affinity timeout must be 1 to ${MAX_AFFINITY_SECONDS} s: got ${seconds}`);
  }
  if (internalTrafficPolicy !== undefined) {
    const parsed = parseOneOf("internalTrafficPolicy", ["Cluster", "Local"], internalTrafficPolicy);
    if (!parsed.ok) return parsed;
  }
  if (trafficDistribution !== undefined) {
    // An open set: Kubernetes adds values, and says that unknown ones are ignored.
    const parsed = parseQualifiedName("trafficDistribution", trafficDistribution);
    if (!parsed.ok) return parsed;
  }
  return ok({
    sessionAffinity: affinity.value,
    ...(seconds === undefined ? {} : { sessionAffinityTimeoutSeconds: seconds }),
    ...(internalTrafficPolicy === undefined ? {} : { internalTrafficPolicy }),
    ...(trafficDistribution === undefined ? {} : { trafficDistribution }),
  });
}

type StringMap = Readonly<Record<string, string>>;

function decodeLabels(labels: StringMap): Result<StringMap, string> {
  const entries = Object.entries(labels);
  if (entries.length > LIMITS.labelsPerRow) {
    return err(`labels must be at most ${LIMITS.labelsPerRow}: got ${entries.length}`);
  }
  for (const [key, value] of entries) {
    const parsedKey = parseQualifiedName("label key", key);
    if (!parsedKey.ok) return parsedKey;
    const parsedValue = parseLabelValue(`value of label ${quote(key)}`, value);
    if (!parsedValue.ok) return parsedValue;
  }
  return ok(Object.fromEntries(entries));
}

/** Values are free text: the size of the row bounds them. */
function decodeAnnotations(annotations: StringMap): Result<StringMap, string> {
  const entries = Object.entries(annotations);
  if (entries.length > LIMITS.annotationsPerRow) {
    return err(`annotations must be at most ${LIMITS.annotationsPerRow}: got ${entries.length}`);
  }
  for (const [key] of entries) {
    const parsedKey = parseQualifiedName("annotation key", key);
    if (!parsedKey.ok) return parsedKey;
  }
  return ok(Object.fromEntries(entries));
}
