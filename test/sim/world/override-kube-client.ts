import type { KubeClient } from "../../../runtime/kube/kube-client.ts";

/** The same client with some calls done otherwise. */
export function overrideKubeClient(client: KubeClient, calls: Partial<KubeClient>): KubeClient {
  return {
    get: (...call) => client.get(...call),
    list: (...call) => client.list(...call),
    watch: (...call) => client.watch(...call),
    create: (...call) => client.create(...call),
    update: (...call) => client.update(...call),
    apply: (...call) => client.apply(...call),
    mergePatch: (...call) => client.mergePatch(...call),
    delete: (...call) => client.delete(...call),
    deleteCollection: (...call) => client.deleteCollection(...call),
    servedVersions: (...call) => client.servedVersions(...call),
    ...calls,
  };
}
