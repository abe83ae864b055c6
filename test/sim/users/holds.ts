import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { serviceExports } from "../../../api/mcs/service-export.ts";
import type { HeldObject, Target } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { patch, remove, USER_CALL } from "./requests.ts";

const EXPORTS = serviceExports("v1beta1");
const FINALIZERS = ["example.com/hold"];
/** What keeps a namespace: nobody exports it. */
const HOLDER = "holder";

type Held = Target & { readonly what: HeldObject };

/** Deletes what stays, terminating, until it is let go. */
export async function deleteHeld(
  cluster: SimCluster,
  { namespace, service, what }: Held,
): Promise<void> {
  if (what !== "namespace") {
    const resource = what === "export" ? EXPORTS : SERVICES;
    const metadata = { finalizers: FINALIZERS };
    await patch(cluster, resource, { namespace, name: service }, { metadata });
    await remove(cluster, resource, namespace, service);
    return;
  }
  const holder: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name: HOLDER, finalizers: FINALIZERS },
    spec: { ports: [{ port: 9 }] },
  };
  await cluster.user.create(SERVICES, holder, USER_CALL);
  await remove(cluster, NAMESPACES, undefined, namespace);
}

export async function letGo(
  cluster: SimCluster,
  { namespace, service, what }: Held,
): Promise<void> {
  const resource = what === "export" ? EXPORTS : SERVICES;
  const name = what === "namespace" ? HOLDER : service;
  await patch(cluster, resource, { namespace, name }, { metadata: { finalizers: [] } });
  if (what === "namespace") await remove(cluster, SERVICES, namespace, HOLDER);
}
