import { z } from "zod";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { parseServiceImport } from "../../api/mcs/parse-service-import.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { startDnsServer } from "../../dns-server/dns-server.ts";
import {
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { parseWith } from "../../runtime/kube/reflector/parse-with.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { discoverMcsVersion } from "../discover-mcs-version.ts";
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
    zone: z.string().default("clusterset.local").describe("zone to answer for"),
    ttl: z.coerce.number().int().min(0).max(3600).default(5).describe("TTL of answers, seconds"),
    negativeTtl: z.coerce
      .number()
      .int()
      .min(0)
      .max(3600)
      .default(5)
      .describe("TTL of negative answers, seconds"),
    udpPayload: z.coerce
      .number()
      .int()
      .default(1232)
      .describe("largest UDP answer, bytes, 512 to 4096"),
    udpEngine: z
      .enum(["auto", "batch", "dgram"])
      .default("auto")
      .describe("what moves datagrams: batch (the native addon), dgram, or auto"),
    nsAddresses: z
      .array(z.string())
      .default([])
      .describe(
        "addresses of the zone's name server, usually the ClusterIPs of this server's Service",
      ),
    logLevel: logLevelSetting,
  }),
  async run({ settings, signal, env, out }) {
    const started = await startMemberProcess("dns", settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const version = await discoverMcsVersion(deps, signal, (reason) =>
      readiness.waitingFor(reason),
    );
    if (version === undefined) {
      await started.value.stop();
      return 0;
    }
    const imports = new Reflector<ServiceImport>(
      { resource: serviceImports(version), project: parseWith(parseServiceImport, deps.log) },
      deps,
    );
    const slices = new Reflector<EndpointSlice>(
      { resource: ENDPOINT_SLICES, labelSelector: LABEL_SERVICE_NAME },
      deps,
    );
    const namespaces = new Reflector<Namespace>({ resource: NAMESPACES }, deps);
    const server = await startDnsServer(
      {
        listen: settings.listen,
        zone: settings.zone,
        ttlSeconds: settings.ttl,
        negativeTtlSeconds: settings.negativeTtl,
        udpPayloadBytes: settings.udpPayload,
        udpEngine: settings.udpEngine,
        nsAddresses: settings.nsAddresses,
      },
      { ...deps, imports: imports.view, slices: slices.view, namespaces: namespaces.view },
    );
    if (!server.ok) {
      out.problem(server.error);
      await started.value.stop();
      return 1;
    }
    const reflectors = [imports, slices, namespaces];
    readiness.decidedBy(
      reflectorsCheck(reflectors, () => server.value.isReady() || "building the zone"),
    );
    for (const reflector of reflectors) reflector.start(signal);
    await untilAborted(signal);
    await server.value.stop();
    await started.value.stop();
    return 0;
  },
});
