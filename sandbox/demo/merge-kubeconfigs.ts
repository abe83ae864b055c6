import { parse, stringify } from "yaml";

interface Kubeconfig {
  readonly apiVersion: string;
  readonly kind: string;
  readonly "current-context": string;
  readonly clusters: readonly unknown[];
  readonly contexts: readonly unknown[];
  readonly users: readonly unknown[];
}

/** One kubeconfig with the contexts of all; the first one's current context stays current. */
export function mergeKubeconfigs(texts: readonly string[]): string {
  const configs = texts.map((text) => parse(text) as Kubeconfig);
  const merged: Kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": configs[0]?.["current-context"] ?? "",
    clusters: configs.flatMap(({ clusters }) => clusters),
    contexts: configs.flatMap(({ contexts }) => contexts),
    users: configs.flatMap(({ users }) => users),
  };
  // Values quoted and on one line each, as in the files that were merged: scripts read them with less than a YAML parser.
  return stringify(merged, {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
  });
}
