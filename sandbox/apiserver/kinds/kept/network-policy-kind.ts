import { objectAt } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { anyObject } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import { formatSelector } from "../workload/label-selector.ts";

/** Kept as it is and never enforced. */
export const NETWORK_POLICY = builtinKind({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  namespaced: true,
  description: "NetworkPolicy describes what traffic is allowed for a set of pods.",
  properties: { spec: anyObject("The pods, and what may reach them and be reached by them.") },
  empty: { spec: {} },
  columns: [
    textColumn(
      "Pod-Selector",
      "The pods.",
      (policy) => formatSelector(objectAt(policy, ["spec", "podSelector"])) || "<none>",
    ),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  generation: true,
  rules: {},
});
