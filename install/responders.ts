import type { KubeObject } from "../api/kube/object.ts";
import { RESPONDERS_SERVICE } from "../api/network/responders-service.ts";
import { flagOf } from "./flags.ts";
import type { MemberSettings } from "./member-settings.ts";
import { labelsOf, type Port } from "./pieces/piece-words.ts";

const PROBES: Port = { name: "probes", port: 4796, protocol: "UDP" };
const LABEL = { "isthmus.dev/answers-probes": "true" } as const;

/** These two are probed from pod to pod; the others' own processes do it. */
export function answersProbes({ backends }: MemberSettings): boolean {
  return backends.includes("underlay") || backends.includes("overlay-cni");
}

/** What a process has that answers probes of other clusters, as every process does that always runs. */
export function answering(settings: MemberSettings): {
  readonly args: readonly string[];
  readonly ports: readonly Port[];
  readonly podLabels: Readonly<Record<string, string>>;
} {
  if (!answersProbes(settings)) return { args: [], ports: [], podLabels: {} };
  return { args: flagOf("probe-listen", `:${PROBES.port}`), ports: [PROBES], podLabels: LABEL };
}

/** Its endpoints are what controllers tell other clusters: nobody dials it. */
export function respondersService({ namespace }: MemberSettings): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name: RESPONDERS_SERVICE, labels: labelsOf(RESPONDERS_SERVICE) },
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      ipFamilyPolicy: "PreferDualStack",
      selector: LABEL,
      ports: [{ ...PROBES, targetPort: PROBES.name }],
    },
  } as KubeObject;
}
