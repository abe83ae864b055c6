import { z } from "zod";
import { memorySetting, replicasSetting } from "./common-settings.ts";

/** Of backend proxy. */
export const proxySettings = {
  proxy: z.boolean().optional().describe("run proxies; not given: with backend proxy"),
  proxyReplicas: replicasSetting("the proxy"),
  proxyServiceType: z
    .enum(["LoadBalancer", "NodePort", "ClusterIP", "None"])
    .default("LoadBalancer")
    .describe(
      "how other members reach the proxies: one TLS port, passed through; None: they do not, these proxies only dial out",
    ),
  proxyNodePort: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe("port of the nodes, for proxyServiceType NodePort; none: the cluster chooses"),
  proxyAdvertise: z
    .array(z.string())
    .default([])
    .describe(
      "host:port each, at which other members can dial the proxies: what stands in front of their Service, port 7443",
    ),
  proxyRelayFor: z
    .array(z.string())
    .default([])
    .describe("members between which these proxies carry tunnels on, by cluster id, * for all"),
  proxyHttpProxy: z
    .string()
    .optional()
    .describe("host:port of an HTTP proxy through which tunnels are dialled"),
  proxyHttpProxySecret: z
    .string()
    .optional()
    .describe(
      "Secret of the namespace whose key authorization is what that HTTP proxy is told in Proxy-Authorization, such as Basic ...; not given: nothing",
    ),
  proxyClientNamespaces: z
    .boolean()
    .default(false)
    .describe("let proxies watch all Pods, to tell peers in which namespace a client is"),
  proxyBufferMax: z.coerce
    .number()
    .int()
    .min(16)
    .max(65_536)
    .default(512)
    .describe("MiB that all members together may make a proxy hold; below its memory limit"),
  proxyMemoryLimit: memorySetting("1Gi", "the proxy"),
} as const;
