import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { CONFIG_MAPS, type DataObject, SECRETS } from "./mesh-objects.ts";

// Objects modelled on what CNIs and their installers write, with the keys that are read here among others: written by hand from
// Cilium's Helm chart and the sources of Antrea Multi-cluster and Kube-OVN, not recorded from clusters.

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** @param data keys that differ from those of a cluster `east` with id 1. */
export function ciliumConfig(data: Readonly<Record<string, string>> = {}): DataObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "cilium-config", namespace: "kube-system" },
    data: {
      "cluster-id": "1",
      "cluster-name": "east",
      "cluster-pool-ipv4-cidr": "10.1.0.0/16",
      "cluster-pool-ipv4-mask-size": "24",
      "clustermesh-cache-ttl": "0s",
      "clustermesh-enable-endpoint-sync": "false",
      "clustermesh-enable-mcs-api": "false",
      "identity-allocation-mode": "crd",
      ipam: "cluster-pool",
      "kube-proxy-replacement": "false",
      "max-connected-clusters": "255",
      "routing-mode": "tunnel",
      "tunnel-protocol": "vxlan",
      ...data,
    },
  };
}

/** Connected to `west` with a certificate of its own, and to `north` with the common one. */
export function ciliumClustermesh(): DataObject {
  const etcd = (name: string): string =>
    base64(
      `endpoints:\n- https://${name}.mesh.cilium.io:2379\ntrusted-ca-file: /var/lib/cilium/clustermesh/local-etcd-client-ca.crt\n`,
    );
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "cilium-clustermesh",
      namespace: "kube-system",
      labels: { "app.kubernetes.io/part-of": "cilium" },
    },
    data: {
      north: etcd("north"),
      west: etcd("west"),
      "west.etcd-client-ca.crt": base64("certificate"),
      "west.etcd-client.crt": base64("certificate"),
      "west.etcd-client.key": base64("key"),
      "common-etcd-client-ca.crt": base64("certificate"),
    },
  };
}

/** As Cilium's own installer and `cilium clustermesh connect` leave a cluster, by resource. */
export function ciliumMesh(
  cluster: { readonly name: string; readonly id: number },
  peers: readonly string[],
): readonly (readonly [Resource, DataObject])[] {
  const { data: { west: endpoint = "" } = {}, ...secret } = ciliumClustermesh();
  return [
    [CONFIG_MAPS, ciliumConfig({ "cluster-name": cluster.name, "cluster-id": String(cluster.id) })],
    [SECRETS, { ...secret, data: Object.fromEntries(peers.map((peer) => [peer, endpoint])) }],
  ];
}

export function antreaClusterSet(ready: "True" | "False" | "Unknown" = "True"): KubeObject {
  const at = "2026-01-01T00:00:00Z";
  const message = ready === "True" ? "" : "Disconnected from leader";
  return object("v1alpha2", "ClusterSet", "test-clusterset", {
    spec: {
      clusterID: "east",
      leaders: [{ clusterID: "leader", secret: "east-token", server: "https://192.0.2.10:6443" }],
      namespace: "antrea-multicluster",
    },
    status: {
      clusterStatuses: [
        {
          clusterID: "leader",
          conditions: [
            { lastTransitionTime: at, status: "True", type: "Ready" },
            { lastTransitionTime: at, message: "Is the leader", status: "True", type: "IsLeader" },
          ],
        },
      ],
      conditions: [{ lastTransitionTime: at, message, status: ready, type: "Ready" }],
      observedGeneration: 1,
      readyClusters: ready === "True" ? 1 : 0,
      totalClusters: 1,
    },
  });
}

/** @param gatewayIps none: its gateway is not chosen yet. */
export function antreaClusterInfoImport(
  clusterID: string,
  gatewayIps: readonly string[],
): KubeObject {
  return object("v1alpha1", "ClusterInfoImport", `${clusterID}-clusterinfo`, {
    spec: {
      clusterID,
      gatewayInfos: gatewayIps.map((gatewayIP) => ({ gatewayIP })),
      podCIDRs: ["10.2.0.0/16"],
      serviceCIDR: "10.102.0.0/16",
    },
  });
}

export function ovnIcConfig(data: Readonly<Record<string, string>> = {}): DataObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "ovn-ic-config", namespace: "kube-system" },
    data: {
      "auto-route": "true",
      "az-name": "az1",
      "enable-ic": "true",
      "gw-nodes": "worker-1,worker-2",
      "ic-db-host": "192.0.2.20",
      "ic-nb-port": "6645",
      "ic-sb-port": "6646",
      ...data,
    },
  };
}

function object(version: string, kind: string, name: string, parts: object): KubeObject {
  return {
    apiVersion: `multicluster.crd.antrea.io/${version}`,
    kind,
    metadata: { name, namespace: "kube-system" },
    ...parts,
  };
}
