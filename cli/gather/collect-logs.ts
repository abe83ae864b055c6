import type { KubeObject } from "../../api/kube/object.ts";
import { PODS } from "../../api/kube/pod.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { PodLogs } from "../../runtime/kube/pod-logs.ts";
import type { Collected } from "./collect-objects.ts";
import { redactText } from "./redact.ts";

/** Ours carry it, whatever else lives in the namespace. */
const OURS = "app.kubernetes.io/part-of=isthmus";
const PODS_MAX = 50;
const BOUNDS = { tailLines: 5_000, limitBytes: 2 * 1024 * 1024 };
/** Of a pod's name in the archive, whose names are short. */
const NAME_MAX = 60;

interface Pod extends KubeObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string }[] };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly restartCount: number;
    }[];
  };
}

/** The logs of our own pods, redacted, and of the life before where a container was started again. BOUNDED: by PODS_MAX and BOUNDS. */
export async function collectLogs(
  namespace: string,
  {
    client,
    logs,
    signal,
  }: { readonly client: KubeClient; readonly logs: PodLogs; readonly signal: AbortSignal },
): Promise<readonly Collected[]> {
  const query = { namespace, labelSelector: OURS, limit: PODS_MAX };
  const listed = await client.list<Pod>(PODS, query, { signal });
  if (!listed.ok) return [{ name: "logs/pods.missing.txt", text: `${listed.error.message}\n` }];
  const files: Collected[] = [];
  if (listed.value.continueToken !== undefined) {
    files.push({
      name: "logs/pods.cut.txt",
      text: `more than ${PODS_MAX} pods: the rest is left out\n`,
    });
  }
  for (const { metadata, spec, status } of listed.value.items.slice(0, PODS_MAX)) {
    for (const { name: container } of spec?.containers ?? []) {
      const state = status?.containerStatuses?.find(({ name }) => name === container);
      const lives = (state?.restartCount ?? 0) > 0 ? [false, true] : [false];
      for (const previous of lives) {
        const what = { namespace, pod: metadata.name, container, previous, ...BOUNDS };
        const read = await logs(what, { signal });
        const file = `logs/${files.length + 1}-${metadata.name.slice(-NAME_MAX)}${previous ? ".previous" : ""}`;
        files.push(
          read.ok
            ? { name: `${file}.log`, text: redactText(read.value) }
            : { name: `${file}.missing.txt`, text: `${container}: ${read.error.message}\n` },
        );
      }
    }
  }
  return files;
}
