import { type JsonObject, stringAt } from "../../object/json.ts";
import { dnsLabel } from "../../object/name-rules.ts";
import { builtinKind } from "../builtin-kind.ts";
import type { StrategyContext } from "../kind.ts";
import { allocateService, releaseService } from "./service-allocation.ts";
import { carryOver } from "./service-carry-over.ts";
import { SERVICE_COLUMNS } from "./service-columns.ts";
import { defaultService } from "./service-defaults.ts";
import { withFamilies } from "./service-families.ts";
import { SERVICE_PROPERTIES } from "./service-schema.ts";
import { validateService, validateServiceUpdate } from "./service-validation.ts";

export const SERVICE = builtinKind({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  subresources: { status: true },
  description:
    "Service is a named abstraction of software service (for example, mysql) consisting of local port that the proxy listens on, and the selector that determines which pods will answer requests sent through the proxy.",
  properties: SERVICE_PROPERTIES,
  empty: { spec: {}, status: { loadBalancer: {} } },
  columns: SERVICE_COLUMNS,
  name: dnsLabel,
  rules: {
    initialStatus: { loadBalancer: {} },
    applyDefaults: defaultService,
    initialize: (service, context) => {
      warnOfDeprecation(service, context);
      return withFamilies(service, context.network.families);
    },
    carryOver: (next, old, context) => {
      warnOfDeprecation(next, context);
      return withFamilies(carryOver(next, old), context.network.families);
    },
    validate: (service, { network }) => validateService(service, network.families),
    validateUpdate: validateServiceUpdate,
    allocate: allocateService,
    onDeleted: releaseService,
  },
});

function warnOfDeprecation(service: JsonObject, context: StrategyContext): void {
  if (stringAt(service, ["spec", "trafficDistribution"]) !== "PreferClose") return;
  context.warn('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
}
