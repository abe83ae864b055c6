import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings, listenSetting } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { collectFacts } from "../explain/collect/collect-facts.ts";
import { parseEntry } from "../explain/collect/entry.ts";
import { explain } from "../explain/explain.ts";
import { explainText } from "../explain/explain-text.ts";
import { parseServiceTarget } from "../explain/service-target.ts";
import { outputSetting, render } from "../output/render.ts";
import { defineVerb, type ExitCode } from "../verb.ts";

export const explainVerb = defineVerb({
  summary:
    "walk the whole way of a service, from its export to a packet, and name the first thing that is wrong; ends with 3 when nothing is, and not all could be tested",
  positionals: [
    { name: "service", description: "NAME, NAMESPACE/NAME or NAME.NAMESPACE.svc.clusterset.local" },
  ],
  settings: z.object({
    ...kubeSettings,
    namespace: z
      .string()
      .optional()
      .describe("namespace of a service that is named without; default: the context's"),
    to: z
      .string()
      .optional()
      .describe("cluster id of the cluster that wants the service, where that is another"),
    entry: z
      .string()
      .default("auto")
      .describe(
        "how packets get into the cluster: here (this is a pod), api (the API server forwards ports of the DNS server's pods, one of which dials), socks5://HOST:PORT, none, or auto: here in a pod, elsewhere api",
      ),
    dns: listenSetting
      .optional()
      .describe(
        "HOST:PORT of the member's DNS server as this machine reaches it; default: its Service, through the entry",
      ),
    zone: z.string().default("clusterset.local").describe("zone of the clusterset"),
    systemNamespace: z
      .string()
      .default(SYSTEM_NAMESPACE)
      .describe("namespace that Isthmus is installed in"),
    output: outputSetting,
  }),
  async run({ settings, positionals, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const namespace = settings.namespace ?? kube.value.namespace;
    const target = parseServiceTarget(positionals[0] ?? "", namespace);
    const entry = parseEntry(settings.entry, env);
    const dns = dialable(settings.dns);
    for (const given of [target, entry, dns]) if (!given.ok) out.problem(given.error);
    if (!target.ok || !entry.ok || !dns.ok) return 2;
    const { client: api, forward } = kube.value;
    const reader = new ClusterReader(api, signal);
    const { systemNamespace, zone, to: client } = settings;
    const facts = await collectFacts(
      {
        ...{ target: target.value, entry: entry.value, systemNamespace, zone },
        ...(client === undefined ? {} : { client }),
        ...(dns.value === undefined ? {} : { dns: dns.value }),
      },
      { client: api, forward, reader, clock: systemClock, random: systemRandom, signal },
    );
    if (!facts.membership.ok) {
      out.problem(`cannot look at ${kube.value.server}: ${facts.membership.error}`);
      return 1;
    }
    const explanation = explain(facts);
    out.line(render(settings.output, explanation, () => explainText(explanation)));
    return exitCode(explanation);
  },
});

function exitCode({ firstWrong, untested }: ReturnType<typeof explain>): ExitCode {
  if (firstWrong !== undefined) return 1;
  return untested === 0 ? 0 : 3;
}

function dialable(
  dns: ListenAddress | undefined,
): Result<{ readonly host: string; readonly port: number } | undefined, string> {
  if (dns === undefined) return ok(undefined);
  return dns.host === undefined
    ? err("--dns needs a host: HOST:PORT")
    : ok({ host: dns.host, port: dns.port });
}
