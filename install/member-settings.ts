import { z } from "zod";
import { BACKEND_NAMES } from "../api/network/backend-name.ts";
import { ENCRYPTIONS } from "../api/network/member-network.ts";
import { autoExportSettings } from "./auto-export-settings.ts";
import { commonSettings, labelSetting, memorySetting, replicasSetting } from "./common-settings.ts";
import { gatewaySettings } from "./gateway-settings.ts";
import { proxySettings } from "./proxy-settings.ts";

/** How a member is installed. */
export const memberSettings = z.object({
  ...commonSettings,
  clusterId: labelSetting("id of this cluster, the one the join token was made for"),
  joinToken: z
    .string()
    .regex(/^isthmus-join\./, 'must be what "isthmus token create" printed')
    .optional()
    .describe("token that the cluster joins with, once; not needed for one that has joined"),
  controllers: z.boolean().default(true).describe("run the controllers"),
  controllersReplicas: replicasSetting("the controllers, one of which leads"),
  brokers: z
    .array(z.string())
    .default([])
    .describe("further broker addresses, host:port, tried after the one in the token"),
  cidrs: z
    .array(z.string())
    .default([])
    .describe("CIDRs of this cluster's pods; the broker then refuses endpoints outside of them"),
  backends: z
    .array(z.enum(BACKEND_NAMES))
    .default([])
    .describe(
      "ways to reach other clusters: underlay, overlay-cni, vxlan (brings gateways and node agents), proxy (brings proxies); none given: pod addresses as they are, untested",
    ),
  pin: z
    .array(z.string())
    .default([])
    .describe(
      'what is not left to choice: "<cluster>=<backend>", "<namespace>/*=<backend>" or "<namespace>/<service>=<backend>"',
    ),
  serviceCidrs: z
    .array(z.string())
    .default([])
    .describe("CIDRs of this cluster's Services; none given: those of its ServiceCIDR objects"),
  globalPrefix: z
    .array(z.string())
    .default([])
    .describe(
      'what a pod network is to be in the rest of the clusterset, "cidr=global"; none given: the hub chooses',
    ),
  encryption: z
    .enum(ENCRYPTIONS)
    .default("none")
    .describe("of traffic between gateways of different clusters: none or wireguard"),
  ...autoExportSettings,
  dns: z.boolean().default(true).describe("run the DNS server"),
  dnsReplicas: replicasSetting("the DNS server"),
  dnsAddress: z
    .string()
    .optional()
    .describe("ClusterIP of the DNS server's Service; none: the cluster chooses"),
  allowUsers: z
    .array(z.string().min(1).max(512))
    .default([])
    .describe("users, by full name, who may write imports beside the controllers"),
  controllersMemoryLimit: memorySetting("1Gi", "the controllers"),
  dnsMemoryLimit: memorySetting("1Gi", "the DNS server"),
  ...gatewaySettings,
  ...proxySettings,
});

export type MemberSettings = z.output<typeof memberSettings>;
