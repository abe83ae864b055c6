import { z } from "zod";
import { commonSettings, labelSetting, memorySetting, replicasSetting } from "./common-settings.ts";

/** How a member is installed. */
export const memberSettings = z.object({
  ...commonSettings,
  clusterId: labelSetting("id of this cluster, the one the join token was made for"),
  joinToken: z
    .string()
    .regex(/^isthmus-join\./, 'must be what "isthmus token create" printed')
    .optional()
    .describe("token that the cluster joins with, once; not needed for one that has joined"),
  controllersReplicas: replicasSetting("the controllers, one of which leads"),
  brokers: z
    .array(z.string())
    .default([])
    .describe("further broker addresses, host:port, tried after the one in the token"),
  cidrs: z
    .array(z.string())
    .default([])
    .describe("CIDRs of this cluster's pods; the broker then refuses endpoints outside of them"),
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
});

export type MemberSettings = z.output<typeof memberSettings>;
