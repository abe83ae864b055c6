import type { KeyPair } from "./server-certificates.ts";

/** One cluster as a kubeconfig names it. */
export interface KubeconfigEntry {
  /** Name of the context, cluster and user. */
  readonly name: string;
  /** `https://host:port`. */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly user: KeyPair;
}

/** A kubeconfig with a context for each cluster; the first is the current one. */
export function kubeconfigText(entries: readonly KubeconfigEntry[]): string {
  const [current] = entries;
  return [
    'apiVersion: "v1"',
    'kind: "Config"',
    `current-context: ${quote(current?.name ?? "")}`,
    "clusters:",
    ...entries.flatMap(({ name, server, ca }) => [
      `- name: ${quote(name)}`,
      "  cluster:",
      `    certificate-authority-data: ${quote(base64(ca))}`,
      `    server: ${quote(server)}`,
    ]),
    "contexts:",
    ...entries.flatMap(({ name }) => [
      `- name: ${quote(name)}`,
      "  context:",
      `    cluster: ${quote(name)}`,
      `    user: ${quote(name)}`,
    ]),
    "users:",
    ...entries.flatMap(({ name, user }) => [
      `- name: ${quote(name)}`,
      "  user:",
      `    client-certificate-data: ${quote(base64(user.certificate))}`,
      `    client-key-data: ${quote(base64(user.key))}`,
    ]),
    "",
  ].join("\n");
}

/** JSON strings are YAML strings. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
