/** Kubernetes' `ndots:5`: a name with fewer dots is first looked for under the search domains. */
const NDOTS = 5;

/** The names that a pod's resolv.conf makes of one, in the order to ask. A trailing dot makes it absolute. */
export function searchNames(name: string, namespace: string): readonly string[] {
  const lower = name.toLowerCase();
  if (lower.endsWith(".")) return [lower.slice(0, -1)];
  const searched = [`${namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"].map(
    (domain) => `${lower}.${domain}`,
  );
  const dots = lower.split(".").length - 1;
  return dots >= NDOTS ? [lower, ...searched] : [...searched, lower];
}
