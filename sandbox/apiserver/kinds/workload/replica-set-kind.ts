import { struct } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import {
  count,
  defaultWorkload,
  desired,
  MIN_READY,
  REPLICAS,
  SELECTOR,
  STATUS,
  TEMPLATE,
  WIDE_COLUMNS,
  workload,
  workloadRules,
} from "./workload-parts.ts";

export const REPLICA_SET = builtinKind({
  ...workload("ReplicaSet", "replicasets", "rs"),
  description: "ReplicaSet ensures that a number of pod replicas are running at any given time.",
  properties: {
    spec: struct("ReplicaSetSpec", "Desired behavior of the ReplicaSet.", {
      replicas: REPLICAS,
      selector: SELECTOR,
      template: TEMPLATE,
      minReadySeconds: MIN_READY,
    }),
    status: STATUS,
  },
  empty: { spec: { selector: null }, status: { replicas: 0 } },
  columns: [
    textColumn("Desired", "Desired pods.", desired),
    textColumn("Current", "Pods there are.", (object) => count(object, "replicas")),
    textColumn("Ready", "Ready pods.", (object) => count(object, "readyReplicas")),
    AGE_COLUMN,
    ...WIDE_COLUMNS,
  ],
  rules: { ...workloadRules(), applyDefaults: defaultWorkload },
});
