import { z } from "zod";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { parseServiceImport } from "../../api/mcs/parse-service-import.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { ok, type Result } from "../../api/result.ts";
import { startDnsServer } from "../../dns-server/dns-server.ts";
import { type AnswerOptions, parseAnswerOptions } from "../../dns-server/server-options.ts";
import { slimImport, slimNamespace, slimSlice } from "../../dns-server/source/slim-objects.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import {
  durationSetting,
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { parseWith } from "../../runtime/kube/reflector/parse-with.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { discoverMcsVersion } from "../discover-mcs-version.ts";
import { answerOptions, answerSettings } from "../dns-settings.ts";
import { followConfig } from "../follow-config.ts";
import { Freshness } from "../freshness.ts";
import { startMemberProcess } from "../member-process.ts";
import { reflectorsCheck } from "../reflectors-check.ts";
import { untilAborted } from "../until-aborted.ts";
import { defineVerb } from "../verb.ts";

export const dnsVerb = defineVerb({
  summary: "run a member's authoritative DNS server",
  settings: z.object({
    ...kubeSettings,
    listen: listenDefault("127.0.0.1:5353", "address for UDP and TCP queries"),
    healthListen: listenDefault("127.0.0.1:8081", "address of /livez, /readyz and /metrics"),
    ...answerSettings,
    udpEngine: z
      .enum(["auto", "batch", "dgram"])
      .default("auto")
      .describe("what moves datagrams: batch (the native addon), dgram, or auto"),
    tcpIdle: durationSetting("10s", "how long a TCP connection may be without a whole query"),
    tcpConnections: z.coerce
      .number()
      .int()
      .min(1)
      .default(1024)
      .describe("TCP connections at once"),
    tcpConnectionsPerClient: z.coerce
      .number()
      .int()
      .min(1)
      .default(256)
      .describe("TCP connections of one client address at once"),
    staleAfter: durationSetting(
      "2m",
      "not ready once the API server has given no sign of life for this long; 0s: never; answers go on in any case",
    ),
    drain: durationSetting(
      "0s",
      "how long to go on answering, not ready any more, when asked to stop",
    ),
    logLevel: logLevelSetting,
  }),
  async run(input) {
    const { settings, signal, env, out } = input;
    const started = await startMemberProcess("dns", settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const answers = await followConfig(input, toAnswers, deps);
    if (!answers.ok) {
      out.problem(answers.error);
      await started.value.stop();
      return 1;
    }
    const version = await discoverMcsVersion(deps, signal, (reason) =>
      readiness.waitingFor(reason),
    );
    if (version === undefined) {
      await started.value.stop();
      return 0;
    }
    const parse = parseWith<ServiceImport>(parseServiceImport, deps.log);
    const imports = new Reflector<ServiceImport>(
      { resource: serviceImports(version), project: (object) => slimImport(parse(object)) },
      deps,
    );
    const slices = new Reflector<EndpointSlice>(
      { resource: ENDPOINT_SLICES, labelSelector: LABEL_SERVICE_NAME, project: slimSlice },
      deps,
    );
    const namespaces = new Reflector<Namespace>(
      { resource: NAMESPACES, project: slimNamespace },
      deps,
    );
    const server = await startDnsServer(
      {
        ...answers.value.current,
        listen: settings.listen,
        udpEngine: settings.udpEngine,
        tcpIdleMs: settings.tcpIdle,
        tcpConnectionsMax: settings.tcpConnections,
        tcpConnectionsPerClientMax: settings.tcpConnectionsPerClient,
      },
      { ...deps, imports: imports.view, slices: slices.view, namespaces: namespaces.view },
    );
    if (!server.ok) {
      out.problem(server.error);
      await started.value.stop();
      return 1;
    }
    const reflectors = [imports, slices, namespaces];
    const freshness = new Freshness(reflectors, { staleAfterMs: settings.staleAfter }, deps.clock);
    readiness.decidedBy(
      reflectorsCheck(reflectors, () =>
        server.value.isReady() ? freshness.check() : "building the zone",
      ),
    );
    answers.value.subscribe(() => {
      const changed = server.value.reconfigure(answers.value.current);
      if (!changed.ok) deps.log.error("settings not applied", { err: changed.error });
    });
    // Who still asks while the server drains gets answers that are as right as ever.
    const following = new AbortController();
    for (const reflector of reflectors) reflector.start(following.signal);
    freshness.start();
    await untilAborted(signal);
    readiness.waitingFor("stopping");
    await sleep(deps.clock, settings.drain, following.signal);
    freshness.stop();
    following.abort();
    await server.value.stop();
    await started.value.stop();
    return 0;
  },
});

/** What can be wrong only in the server's eyes, a CIDR or a zone's name, is found before it is put in force. */
function toAnswers(settings: Parameters<typeof answerOptions>[0]): Result<AnswerOptions, string> {
  const options = answerOptions(settings);
  const parsed = parseAnswerOptions(options);
  return parsed.ok ? ok(options) : parsed;
}
