import type https from "node:https";
import type { KubeTarget } from "./load-kube-config.ts";

const CLUSTER_FIELDS = ["name", "server", "caData", "skipTLSVerify", "tlsServerName"];
const USER_FIELDS = ["name", "certData", "keyData"];

/**
 * How to connect when all credentials stand in the kubeconfig itself as certificates: what client-node would make of it, without loading it (0.25 s
 * and 80 MB, most of a short process). `undefined` for everything else: tokens, files, plugins, proxies, impersonation.
 */
export function inlineCredentials({ cluster, user }: KubeTarget): https.RequestOptions | undefined {
  if (!hasOnly(cluster, CLUSTER_FIELDS) || !hasOnly(user, USER_FIELDS)) return undefined;
  if (!user.certData || !user.keyData) return undefined;
  return {
    ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    ...(cluster.caData ? { ca: Buffer.from(cluster.caData, "base64") } : {}),
    cert: Buffer.from(user.certData, "base64"),
    key: Buffer.from(user.keyData, "base64"),
  };
}

function hasOnly(value: object, names: readonly string[]): boolean {
  return Object.entries(value).every(
    ([name, inner]) => names.includes(name) || inner === undefined || inner === "",
  );
}
