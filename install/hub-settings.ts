import { z } from "zod";
import {
  commonSettings,
  durationText,
  labelSetting,
  memorySetting,
  replicasSetting,
} from "./common-settings.ts";

/** How a hub is installed. */
export const hubSettings = z.object({
  ...commonSettings,
  clusterset: labelSetting("name of the clusterset").default("default"),
  replicas: replicasSetting("the broker"),
  store: z
    .enum(["kubernetes", "etcd"])
    .default("kubernetes")
    .describe(
      "what keeps rows, members, authority and tokens: this cluster's API server, or an etcd",
    ),
  etcdEndpoints: z
    .array(z.string())
    .default([])
    .describe("members of the etcd cluster as http(s)://host:port, for store etcd"),
  etcdSecret: z
    .string()
    .optional()
    .describe("Secret with ca.crt, tls.crt and tls.key for etcd; none: as the endpoints say"),
  serviceType: z
    .enum(["LoadBalancer", "NodePort", "ClusterIP"])
    .default("LoadBalancer")
    .describe("how members reach the broker: its one TLS port is passed through, never ended"),
  nodePort: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe("port of the nodes, for serviceType NodePort; none: the cluster chooses"),
  serverNames: z
    .array(z.string())
    .default([])
    .describe("host names and addresses to put into the serving certificate"),
  globalCidr: z
    .array(z.string())
    .default([])
    .describe(
      "networks that members' global addresses are taken from; none: 242.0.0.0/8 and fd69:7374:6800::/40",
    ),
  certificateLife: durationText("24h", "life of members' certificates, 1h to 2160h"),
  policyConfigMap: z
    .string()
    .optional()
    .describe("ConfigMap whose policy.yaml says what each cluster may export, import and use"),
  memoryLimit: memorySetting("1Gi", "the broker"),
});

export type HubSettings = z.output<typeof hubSettings>;
