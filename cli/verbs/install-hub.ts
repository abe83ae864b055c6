import { z } from "zod";
import { ok } from "../../api/result.ts";
import { BROKER_PORT } from "../../install/hub-objects.ts";
import { hubSettings } from "../../install/hub-settings.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { DEFAULT_DATA_DIR } from "../broker/place-settings.ts";
import { printJoinLines } from "../install/print-join-lines.ts";
import { applySettings, installSettings, runInstall } from "../install/run-install.ts";
import { defineVerb } from "../verb.ts";

export const installHubVerb = defineVerb({
  summary: "make this cluster the hub of a clusterset; prints a join line per --cluster",
  settings: z.object({
    ...hubSettings.shape,
    ...kubeSettings,
    ...applySettings,
    cluster: z
      .array(z.string())
      .default([])
      .describe("ids of clusters to print a join line for, once the broker runs"),
    address: z
      .string()
      .optional()
      .describe(
        `address of the broker as members dial it, host:port; default: the load balancer's, port ${BROKER_PORT}`,
      ),
    dataDir: z
      .string()
      .default(DEFAULT_DATA_DIR)
      .describe('directory of the audit log of these tokens, for "isthmus audit" here'),
    ttl: durationSetting("15m", "life of the tokens in join lines"),
    timeout: durationSetting("5m", "how long to wait for the broker to run and for its address"),
  }),
  run(input) {
    const { settings } = input;
    const { cluster, address, ttl, timeout } = settings;
    const lines = { ...settings, clusters: cluster, address, ttlMs: ttl, timeoutMs: timeout };
    return runInstall(
      "hub",
      installSettings(hubSettings, settings),
      input,
      async ({ client }, { receipt: out }) =>
        cluster.length === 0 ? ok(undefined) : printJoinLines(lines, { ...input, client, out }),
    );
  },
});
