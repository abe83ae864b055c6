import { dnsSubdomain } from "../../object/name-rules.ts";
import {
  atomicList,
  atomicStruct,
  bool,
  mapList,
  pointer,
  text,
} from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN } from "../columns/printer-columns.ts";
import { OBJECT_REFERENCE } from "../endpoint-slice/endpoint-slice-schema.ts";

export const SERVICE_ACCOUNT = builtinKind({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  namespaced: true,
  description: "ServiceAccount is an identity that processes in pods and controllers use.",
  properties: {
    secrets: mapList(
      "Secrets in the same namespace that pods running as this account may use.",
      { keys: ["name"], mergeKey: "name" },
      OBJECT_REFERENCE,
    ),
    imagePullSecrets: atomicList(
      "Secrets to pull images with.",
      atomicStruct("LocalObjectReference", "A Secret in the same namespace.", {
        name: text("Name of the Secret."),
      }),
    ),
    automountServiceAccountToken: pointer(bool("Whether pods get this account's token.")),
  },
  columns: [AGE_COLUMN],
  name: dnsSubdomain,
  rules: {},
});
