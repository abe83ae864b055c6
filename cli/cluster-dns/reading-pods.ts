import type { DnsConfigMap } from "../../install/cluster-dns/wiring-plan.ts";
import { type AnsweringPod, type DnsPod, dnsPod } from "../ask-dns/dns-pods.ts";

/** What is read of a pod of `kube-system` to know whether it is one of the cluster's DNS. */
export type SystemPod = AnsweringPod & {
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly volumes?: readonly Volume[];
  };
};

interface Volume {
  readonly configMap?: { readonly name?: string };
  readonly projected?: {
    readonly sources?: readonly { readonly configMap?: { readonly name?: string } }[];
  };
}

/** Pods of the cluster's DNS, by what they read: names and labels differ from one installation to another. */
export interface ReadingPods {
  /** Those that clients reach by the Service, and that may be asked at their loopback. */
  readonly asked: readonly DnsPod[];
  /** Names of nodes' caches: in their nodes' network, and at addresses of their own. */
  readonly caches: readonly string[];
}

export function readingPods(
  pods: readonly SystemPod[],
  configMaps: readonly DnsConfigMap[],
): ReadingPods {
  const wanted = new Set<string>(configMaps);
  const reading = pods.filter(
    ({ metadata, spec }) =>
      metadata.deletionTimestamp === undefined &&
      (spec?.volumes ?? []).some((volume) => namesOf(volume).some((name) => wanted.has(name))),
  );
  return {
    asked: reading.filter(({ spec }) => spec?.hostNetwork !== true).map(dnsPod),
    caches: reading
      .filter(({ spec }) => spec?.hostNetwork === true)
      .map(({ metadata }) => metadata.name),
  };
}

function namesOf({ configMap, projected }: Volume): readonly string[] {
  const sources = [{ configMap }, ...(projected?.sources ?? [])];
  return sources.flatMap((source) => source.configMap?.name ?? []);
}
