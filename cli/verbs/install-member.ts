import { z } from "zod";
import { ok } from "../../api/result.ts";
import { memberSettings } from "../../install/member-settings.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { hasNodes, NO_NODES } from "../cluster/has-nodes.ts";
import { awaitZone } from "../cluster-dns/await-zone.ts";
import { applyWiring } from "../cluster-dns/wire-dns.ts";
import { awaitMember } from "../install/await-member.ts";
import { applySettings, installSettings, runInstall } from "../install/run-install.ts";
import { defineVerb } from "../verb.ts";

const { shape } = memberSettings.omit({ joinToken: true });

export const installMemberVerb = defineVerb({
  summary: "make this cluster a member: definitions, roles, policies, controllers and DNS",
  positionals: [
    { name: "token", description: 'what "isthmus install hub" or "token create" printed' },
  ],
  settings: z.object({
    ...shape,
    ...kubeSettings,
    ...applySettings,
    wireDns: z
      .boolean()
      .default(true)
      .describe("have the cluster's DNS send the zone here, as isthmus wire-dns --apply does"),
    wait: z
      .boolean()
      .default(true)
      .describe(
        "end when the member is ready and the cluster's DNS answers names of the clusterset",
      ),
    timeout: durationSetting("5m", "how long to wait for either"),
  }),
  run(input) {
    const { settings, positionals, signal } = input;
    const installed = installSettings(memberSettings, settings);
    const wanted = { ...installed, joinToken: positionals[0] };
    const { namespace } = wanted;
    const isWired = settings.dns && settings.wireDns;
    return runInstall("member", wanted, input, async (kube, { receipt: out, objects }) => {
      const { client, forward } = kube;
      // After the definitions: a CoreDNS with the plugin multicluster ends without them.
      const wired = isWired ? await applyWiring(namespace, { client, signal, out }) : ok(undefined);
      if (!wired.ok || !settings.wait) return wired;
      if (!(await hasNodes(client, signal))) {
        out.line(NO_NODES);
        return wired;
      }
      const deps = { client, forward, clock: systemClock, random: systemRandom, signal, out };
      const member = { namespace, objects, withControllers: settings.controllers };
      // Side by side: while pods start, the cluster's DNS reads its configuration.
      const waited = await Promise.all([
        awaitMember(member, settings.timeout, deps),
        isWired ? awaitZone(namespace, settings.timeout, deps) : ok(undefined),
      ]);
      return waited.find((one) => !one.ok) ?? ok(undefined);
    });
  },
});
