import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { applyManifests } from "../../runtime/kube/policy/apply-manifests.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../../runtime/kube/policy/render-cluster-policy.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { shippedPolicy } from "../install/shipped-policy.ts";
import { manifestsText } from "../output/manifests-text.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
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
    output: outputSetting,
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
      out.line(manifestsText(objects.value, settings.output));
      return 0;
    }
    const receipt = new Receipt(settings.output, out);
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    if (!kube.ok) return receipt.end(kube);
    const deps = { client: kube.value.client, clock: systemClock };
    const outcomes = await applyManifests(objects.value, deps, signal);
    for (const { object, problem } of outcomes) {
      if (problem === undefined) receipt.step({ what: object, did: "applied" });
      else receipt.problem(`cannot apply ${object}: ${problem}`);
    }
    const refused = outcomes.filter(({ problem }) => problem !== undefined).length;
    return receipt.end(refused === 0 ? ok(undefined) : err(`${refused} objects were refused`));
  },
});
