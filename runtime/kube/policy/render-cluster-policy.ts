import { parseAllDocuments } from "yaml";
import { parseDnsLabel } from "../../../api/dns-label.ts";
import { invariant } from "../../../api/invariant.ts";
import { isRecord } from "../../../api/json.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { err, ok, type Result } from "../../../api/result.ts";

/** Who the manifests speak of. */
export interface PolicyNames {
  /** Namespace of the service accounts and of our leases. */
  readonly namespace: string;
  readonly controllersServiceAccount: string;
  readonly dnsServiceAccount: string;
  readonly proxyServiceAccount: string;
  readonly gatewayServiceAccount: string;
  readonly nodeAgentServiceAccount: string;
  /** Users, beside the controllers, who may write what the admission policies keep for them. */
  readonly otherWriters: readonly string[];
}

/** The names that stand in `api/cluster-policy`, so that the files can also be applied as they are. */
export const SHIPPED_NAMES: PolicyNames = {
  namespace: "isthmus-system",
  controllersServiceAccount: "isthmus-controllers",
  dnsServiceAccount: "isthmus-dns",
  proxyServiceAccount: "isthmus-proxy",
  gatewayServiceAccount: "isthmus-gateway",
  nodeAgentServiceAccount: "isthmus-node-agent",
  otherWriters: [],
};

const LABEL_KEYS = [
  "namespace",
  "controllersServiceAccount",
  "dnsServiceAccount",
  "proxyServiceAccount",
  "gatewayServiceAccount",
  "nodeAgentServiceAccount",
] as const;

const USER_BYTES_MAX = 512;

/** The shipped manifests with other names. The error is for whoever chose them. */
export function renderClusterPolicy(
  manifests: readonly string[],
  names: PolicyNames,
): Result<readonly KubeObject[], string> {
  for (const key of LABEL_KEYS) {
    const label = parseDnsLabel(key, names[key]);
    if (!label.ok) return label;
  }
  for (const user of names.otherWriters) {
    if (user !== "" && Buffer.byteLength(user) <= USER_BYTES_MAX) continue;
    const seen = JSON.stringify(user.slice(0, 80));
    return err(`cannot use a user's name: must have 1 to ${USER_BYTES_MAX} bytes: got ${seen}`);
  }
  return ok(
    manifests.flatMap((text) =>
      parseAllDocuments(renamed(text, names)).map((document) => {
        const object: unknown = document.toJS();
        invariant(isKubeObject(object), "api/cluster-policy holds Kubernetes objects", { object });
        return withWriters(object, names);
      }),
    ),
  );
}

/** The shipped names are no parts of other words there, so that a chart can do the same with a text function. */
function renamed(text: string, names: PolicyNames): string {
  const shipped = /isthmus-(system|controllers|dns|proxy|gateway|node-agent)/g;
  const chosen: Readonly<Record<string, string>> = {
    [SHIPPED_NAMES.namespace]: names.namespace,
    [SHIPPED_NAMES.controllersServiceAccount]: names.controllersServiceAccount,
    [SHIPPED_NAMES.dnsServiceAccount]: names.dnsServiceAccount,
    [SHIPPED_NAMES.proxyServiceAccount]: names.proxyServiceAccount,
    [SHIPPED_NAMES.gatewayServiceAccount]: names.gatewayServiceAccount,
    [SHIPPED_NAMES.nodeAgentServiceAccount]: names.nodeAgentServiceAccount,
  };
  return text.replace(shipped, (name) => chosen[name] ?? name);
}

/** Sets the list that every policy of ours holds in a variable. JSON strings are CEL strings. */
function withWriters(object: KubeObject, names: PolicyNames): KubeObject {
  const spec = "spec" in object && isRecord(object.spec) ? object.spec : {};
  const variables: unknown = spec["variables"];
  if (object.kind !== "ValidatingAdmissionPolicy" || !Array.isArray(variables)) return object;
  const controllers = `system:serviceaccount:${names.namespace}:${names.controllersServiceAccount}`;
  const writers = [controllers, ...names.otherWriters].map((user) => JSON.stringify(user));
  const expression = `[${writers.join(", ")}]`;
  const changed = {
    ...object,
    spec: {
      ...spec,
      variables: variables.map((variable: unknown) =>
        isRecord(variable) && variable["name"] === "writers"
          ? { ...variable, expression }
          : variable,
      ),
    },
  };
  return changed;
}

function isKubeObject(value: unknown): value is KubeObject {
  return (
    isRecord(value) &&
    typeof value["apiVersion"] === "string" &&
    typeof value["kind"] === "string" &&
    isRecord(value["metadata"]) &&
    typeof value["metadata"]["name"] === "string"
  );
}
