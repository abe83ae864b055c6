import { stringify } from "yaml";
import { z } from "zod";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { applyManifests } from "../../runtime/kube/policy/apply-manifests.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../../runtime/kube/policy/render-cluster-policy.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { shippedPolicy } from "../install/shipped-policy.ts";
import { defineVerb } from "../verb.ts";

export const manifestsVerb = defineVerb({
  summary:
    "print a member's (--hub: the broker's) roles and admission policies, or install them with --apply",
  settings: z.object({
    ...kubeSettings,
    hub: z
      .boolean()
      .default(false)
      .describe("those of the hub, for a broker with --store kubernetes, instead of a member's"),
    apply: z.boolean().default(false).describe("install them; the definitions must be there"),
    namespace: z
      .string()
      .default(SHIPPED_NAMES.namespace)
      .describe("namespace of the service accounts and of the controllers' leases"),
    serviceAccount: z
      .string()
      .default(SHIPPED_NAMES.controllersServiceAccount)
      .describe("service account of the controllers, who alone may write imports and their slices"),
    dnsServiceAccount: z
      .string()
      .default(SHIPPED_NAMES.dnsServiceAccount)
      .describe("service account of the DNS server"),
    proxyServiceAccount: z
      .string()
      .default(SHIPPED_NAMES.proxyServiceAccount)
      .describe("service account of the proxies"),
    gatewayServiceAccount: z
      .string()
      .default(SHIPPED_NAMES.gatewayServiceAccount)
      .describe("service account of the gateways"),
    nodeAgentServiceAccount: z
      .string()
      .default(SHIPPED_NAMES.nodeAgentServiceAccount)
      .describe("service account of the node agents"),
    allowUsers: z
      .array(z.string())
      .default([])
      .describe("further users, by full name, whom the admission policies let write the same"),
  }),
  async run({ settings, signal, env, out }) {
    const objects = renderClusterPolicy(shippedPolicy(settings.hub ? "hub" : "member"), {
      namespace: settings.namespace,
      controllersServiceAccount: settings.serviceAccount,
      dnsServiceAccount: settings.dnsServiceAccount,
      proxyServiceAccount: settings.proxyServiceAccount,
      gatewayServiceAccount: settings.gatewayServiceAccount,
      nodeAgentServiceAccount: settings.nodeAgentServiceAccount,
      otherWriters: settings.allowUsers,
    });
    if (!objects.ok) {
      out.problem(objects.error);
      return 1;
    }
    if (!settings.apply) {
      const texts = objects.value.map((object) => stringify(object, { lineWidth: 0 }));
      out.line(texts.join("---\n").trimEnd());
      return 0;
    }
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const deps = { client: kube.value.client, clock: systemClock };
    const outcomes = await applyManifests(objects.value, deps, signal);
    for (const { object, problem } of outcomes) {
      if (problem === undefined) out.line(`${object}: applied`);
      else out.problem(`cannot apply ${object}: ${problem}`);
    }
    return outcomes.some(({ problem }) => problem !== undefined) ? 1 : 0;
  },
});
