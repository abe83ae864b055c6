import { isRecord } from "../json.ts";
import type { KubeObject } from "../kube/object.ts";
import type { IpFamily, Protocol } from "../kube/service.ts";
import { list, parseConditions } from "./parse-parts.ts";
import type { Parsed } from "./parse-service-export.ts";
import type {
  ImportPort,
  ServiceImport,
  ServiceImportSpec,
  ServiceImportStatus,
} from "./service-import.ts";
import { wrong } from "./wrong-part.ts";

/**
 * ServiceImport of either version (VER-01). The CRD does not require `spec` itself, and anybody may have written an
 * import by hand: one without it is an import of type ClusterSetIP without ports and addresses.
 */
export function parseServiceImport(object: KubeObject): Parsed<ServiceImport> {
  const problems: string[] = [];
  const spec: unknown = "spec" in object ? object.spec : undefined;
  const status: unknown = "status" in object ? object.status : undefined;
  return {
    problems,
    value: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: object.metadata,
      spec: parseSpec(spec, problems),
      ...(isRecord(status) ? { status: parseStatus(status, problems) } : {}),
    },
  };
}

function parseSpec(spec: unknown, problems: string[]): ServiceImportSpec {
  if (!isRecord(spec)) {
    problems.push(wrong("spec", "an object", spec));
    return { type: "ClusterSetIP", ports: [] };
  }
  const { type } = spec;
  if (type !== "ClusterSetIP" && type !== "Headless") {
    problems.push(wrong("spec.type", "ClusterSetIP or Headless", type));
  }
  const ips = list(spec, "ips", problems, (item) => (typeof item === "string" ? item : undefined));
  const families = list(spec, "ipFamilies", problems, (item) =>
    isFamily(item) ? item : undefined,
  );
  const timeout = affinityTimeout(spec);
  return {
    type: type === "Headless" ? "Headless" : "ClusterSetIP",
    ports: list(spec, "ports", problems, parsePort) ?? [],
    ...(ips === undefined ? {} : { ips }),
    ...(families === undefined ? {} : { ipFamilies: families }),
    ...text(spec, "sessionAffinity"),
    ...(timeout === undefined
      ? {}
      : { sessionAffinityConfig: { clientIP: { timeoutSeconds: timeout } } }),
    ...text(spec, "internalTrafficPolicy"),
    ...text(spec, "trafficDistribution"),
  };
}

function parseStatus(
  status: Readonly<Record<string, unknown>>,
  problems: string[],
): ServiceImportStatus {
  const clusters = list(status, "clusters", problems, (item) =>
    isRecord(item) && typeof item["cluster"] === "string"
      ? { cluster: item["cluster"] }
      : undefined,
  );
  const conditions = parseConditions(status, problems);
  const { endpointSliceObjects: slices } = status;
  return {
    ...(clusters === undefined ? {} : { clusters }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(slices === "Present" || slices === "Absent" ? { endpointSliceObjects: slices } : {}),
  };
}

function parsePort(item: unknown): ImportPort | undefined {
  if (!isRecord(item) || typeof item["port"] !== "number") return undefined;
  const protocol = item["protocol"] ?? "TCP";
  if (!isProtocol(protocol)) return undefined;
  return { ...text(item, "name"), protocol, ...text(item, "appProtocol"), port: item["port"] };
}

function affinityTimeout(spec: Readonly<Record<string, unknown>>): number | undefined {
  const config = spec["sessionAffinityConfig"];
  const clientIp = isRecord(config) ? config["clientIP"] : undefined;
  const timeout = isRecord(clientIp) ? clientIp["timeoutSeconds"] : undefined;
  return typeof timeout === "number" ? timeout : undefined;
}

function text<K extends string>(
  record: Readonly<Record<string, unknown>>,
  key: K,
): { readonly [P in K]?: string } {
  const value = record[key];
  return typeof value === "string" ? ({ [key]: value } as { [P in K]: string }) : {};
}

function isFamily(value: unknown): value is IpFamily {
  return value === "IPv4" || value === "IPv6";
}

function isProtocol(value: unknown): value is Protocol {
  return value === "TCP" || value === "UDP" || value === "SCTP";
}
