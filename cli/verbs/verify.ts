import { z } from "zod";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { outputSetting, render } from "../output/render.ts";
import { table } from "../output/table.ts";
import { defineVerb } from "../verb.ts";
import { type Check, isGood, summaryOf } from "../verify/check.ts";
import { membersUnderTest } from "../verify/members-under-test.ts";
import { PUBLIC_IMAGE } from "../verify/pod-image.ts";
import { verifyClusterset } from "../verify/verify-clusterset.ts";

export const verifyVerb = defineVerb({
  summary:
    "export a test service from each of these clusters and look, resolve and ask for it in the others, from pods there; cleans up",
  settings: z.object({
    kubeconfig: kubeSettings.kubeconfig,
    contexts: z.array(z.string()).describe("kubeconfig contexts of two members or more"),
    entry: z
      .array(z.string())
      .default([])
      .describe(
        "context=host:port of a SOCKS5 entry into that cluster: requests are sent through it, by name; default: a client pod sends them",
      ),
    dnsServer: z
      .array(z.string())
      .default([])
      .describe(
        "context=host:port of that cluster's DNS server as it is reached from here; default: a client pod asks the cluster's own DNS",
      ),
    image: z
      .string()
      .optional()
      .describe(
        `image of the test pods, server and client: any with node; default: that of the cluster's own DNS server, which its nodes have, else ${PUBLIC_IMAGE}`,
      ),
    systemNamespace: z
      .string()
      .default(SYSTEM_NAMESPACE)
      .describe("namespace that Isthmus is installed in"),
    timeout: durationSetting("60s", "how long to wait for each thing"),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const members = await membersUnderTest(settings, env, signal);
    if (!members.ok) {
      out.problem(`cannot verify: ${members.error}`);
      return 1;
    }
    const unique = Math.floor(systemRandom.next() * 36 ** 5).toString(36);
    const { timeout: timeoutMs, output } = settings;
    const checks = await verifyClusterset(members.value, { timeoutMs, unique, signal });
    out.line(render(output, { checks }, () => text(checks)));
    return isGood(checks) ? 0 : 1;
  },
});

function text(checks: readonly Check[]): string {
  const rows = checks.map(({ from, at, check, result, detail, ms }) => [
    ...[from, at, check, result],
    [...(ms === undefined ? [] : [`${ms} ms`]), ...(detail === "" ? [] : [detail])].join(" "),
  ]);
  const head = ["EXPORTER", "SEEN IN", "CHECK", "RESULT", "DETAIL"];
  return [...table(head, rows), "", summaryOf(checks)].join("\n");
}
