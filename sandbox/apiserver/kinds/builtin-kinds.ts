import { CONFIG_MAP } from "./core/config-map-kind.ts";
import { LEASE } from "./core/lease-kind.ts";
import { NAMESPACE } from "./core/namespace-kind.ts";
import { SECRET } from "./core/secret-kind.ts";
import { SERVICE_ACCOUNT } from "./core/service-account-kind.ts";
import { DEFINITION } from "./definition/definition-kind.ts";
import { ENDPOINT_SLICE } from "./endpoint-slice/endpoint-slice-kind.ts";
import { EVENT, NEW_EVENT } from "./event/event-kinds.ts";
import { ADMISSION_POLICY, ADMISSION_POLICY_BINDING } from "./kept/admission-kinds.ts";
import { DISRUPTION_BUDGET } from "./kept/disruption-budget-kind.ts";
import { NETWORK_POLICY } from "./kept/network-policy-kind.ts";
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING } from "./kept/rbac-kinds.ts";
import type { Kind } from "./kind.ts";
import { SERVICE } from "./service/service-kind.ts";
import { DAEMON_SET } from "./workload/daemon-set-kind.ts";
import { DEPLOYMENT } from "./workload/deployment-kind.ts";
import { NODE } from "./workload/node-kind.ts";
import { POD } from "./workload/pod-kind.ts";
import { REPLICA_SET } from "./workload/replica-set-kind.ts";
import { STATEFUL_SET } from "./workload/stateful-set-kind.ts";

const KINDS: readonly Kind[] = [
  DEFINITION,
  NAMESPACE,
  SERVICE,
  CONFIG_MAP,
  SECRET,
  SERVICE_ACCOUNT,
  EVENT,
  NEW_EVENT,
  ENDPOINT_SLICE,
  LEASE,
  POD,
  NODE,
  DEPLOYMENT,
  REPLICA_SET,
  STATEFUL_SET,
  DAEMON_SET,
  ROLE,
  CLUSTER_ROLE,
  ROLE_BINDING,
  CLUSTER_ROLE_BINDING,
  ADMISSION_POLICY,
  ADMISSION_POLICY_BINDING,
  NETWORK_POLICY,
  DISRUPTION_BUDGET,
];

/** Every kind the server knows without a CustomResourceDefinition. */
export function builtinKinds(): readonly Kind[] {
  return KINDS;
}
