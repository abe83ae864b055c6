import { CONFIG_MAPS } from "../../api/kube/config-map.ts";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { EVENTS } from "../../api/kube/event.ts";
import { LEASES } from "../../api/kube/lease.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { PODS } from "../../api/kube/pod.ts";
import { SECRETS } from "../../api/kube/secret.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { clusterProperties } from "../../api/mcs/cluster-property.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS, SLICES } from "../../api/network/resources.ts";
import type { KubeClient, ListQuery } from "../../runtime/kube/kube-client.ts";
import { redactObject } from "./redact.ts";

const PAGE = 200;

export interface Collected {
  readonly name: string;
  readonly text: string;
}

/** Objects per kind, redacted, and why a kind is not there. BOUNDED: by `maxObjects` of each kind. */
export async function collectObjects(
  { namespace, maxObjects }: { readonly namespace: string; readonly maxObjects: number },
  { client, signal }: { readonly client: KubeClient; readonly signal: AbortSignal },
): Promise<readonly Collected[]> {
  const files: Collected[] = [];
  for (const { resource, query } of wanted(namespace)) {
    const { plural, group } = resource;
    const name = `objects/${group === "" ? plural : `${plural}.${group}`}`;
    const objects: KubeObject[] = [];
    let token: string | undefined;
    let problem: string | undefined;
    do {
      const page = {
        ...query,
        limit: PAGE,
        ...(token === undefined ? {} : { continueToken: token }),
      };
      const listed = await client.list<KubeObject>(resource, page, { signal });
      if (!listed.ok) {
        problem = listed.error.message;
        break;
      }
      objects.push(...listed.value.items.slice(0, maxObjects - objects.length));
      token = listed.value.continueToken;
    } while (token !== undefined && objects.length < maxObjects);
    if (problem !== undefined) files.push({ name: `${name}.missing.txt`, text: `${problem}\n` });
    if (token !== undefined) {
      files.push({
        name: `${name}.cut.txt`,
        text: `more than ${maxObjects}: the rest is left out\n`,
      });
    }
    if (objects.length === 0) continue;
    const shown = objects.map((object) => redactObject({ ...object, kind: resource.kind }));
    files.push({ name: `${name}.json`, text: `${JSON.stringify(shown, null, 1)}\n` });
  }
  return files;
}

function wanted(
  namespace: string,
): readonly { readonly resource: Resource; readonly query: ListQuery }[] {
  const workload = (plural: string, kind: string): Resource => ({
    ...{ group: "apps", version: "v1", plural, kind, namespaced: true },
  });
  const ours = [
    ...[PODS, SERVICES, CONFIG_MAPS, SECRETS, LEASES, EVENTS],
    ...[workload("deployments", "Deployment"), workload("daemonsets", "DaemonSet")],
  ];
  const everywhere = [
    ...[serviceExports(), serviceImports(), clusterProperties()],
    ...[MEMBER_NETWORKS, PEERS, SLICES, PATH_REPORTS],
  ];
  return [
    ...ours.map((resource) => ({ resource, query: { namespace } })),
    ...everywhere.map((resource) => ({ resource, query: {} })),
    { resource: ENDPOINT_SLICES, query: { labelSelector: LABEL_SERVICE_NAME } },
  ];
}
