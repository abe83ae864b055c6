import { CONTAINER_MESSAGES } from "./container-messages.ts";
import { type Messages, TEXT_MAP, TEXTS } from "./protobuf-field.ts";
import { SCHEDULING_MESSAGES } from "./scheduling-messages.ts";
import { VOLUME_MESSAGES } from "./volume-messages.ts";
import { WORKLOAD_MESSAGES } from "./workload-messages.ts";

/**
 * Field numbers of the Kubernetes messages that kubectl's own commands send (`kubectl create ...`, `debug`, `auth can-i`),
 * from the generated.proto files of k8s.io/api. Enough to read requests; answers are JSON, which such clients accept.
 */
export const MESSAGES: Messages = {
  ...WORKLOAD_MESSAGES,
  ...CONTAINER_MESSAGES,
  ...VOLUME_MESSAGES,
  ...SCHEDULING_MESSAGES,
  ObjectMeta: {
    1: ["name", "string"],
    2: ["generateName", "string"],
    3: ["namespace", "string"],
    5: ["uid", "string"],
    6: ["resourceVersion", "string"],
    7: ["generation", "integer"],
    8: ["creationTimestamp", "time"],
    11: ["labels", TEXT_MAP],
    12: ["annotations", TEXT_MAP],
    13: ["ownerReferences", { list: { message: "OwnerReference" } }],
    14: ["finalizers", TEXTS],
  },
  OwnerReference: {
    1: ["kind", "string"],
    3: ["name", "string"],
    4: ["uid", "string"],
    5: ["apiVersion", "string"],
    6: ["controller", "boolean"],
    7: ["blockOwnerDeletion", "boolean"],
  },
  Namespace: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "NamespaceSpec" }],
  },
  NamespaceSpec: { 1: ["finalizers", TEXTS] },
  ConfigMap: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["data", TEXT_MAP],
    3: ["binaryData", { map: "bytes" }],
    4: ["immutable", "boolean"],
  },
  Secret: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["data", { map: "bytes" }],
    3: ["type", "string"],
    4: ["stringData", TEXT_MAP],
    5: ["immutable", "boolean"],
  },
  ServiceAccount: {
    1: ["metadata", { message: "ObjectMeta" }],
    4: ["automountServiceAccountToken", "boolean"],
  },
  Service: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "ServiceSpec" }],
  },
  ServiceSpec: {
    1: ["ports", { list: { message: "ServicePort" } }],
    2: ["selector", TEXT_MAP],
    3: ["clusterIP", "string"],
    4: ["type", "string"],
    5: ["externalIPs", TEXTS],
    7: ["sessionAffinity", "string"],
    8: ["loadBalancerIP", "string"],
    9: ["loadBalancerSourceRanges", TEXTS],
    10: ["externalName", "string"],
    11: ["externalTrafficPolicy", "string"],
    12: ["healthCheckNodePort", "integer"],
    13: ["publishNotReadyAddresses", "boolean"],
    17: ["ipFamilyPolicy", "string"],
    18: ["clusterIPs", TEXTS],
    19: ["ipFamilies", TEXTS],
    20: ["allocateLoadBalancerNodePorts", "boolean"],
    21: ["loadBalancerClass", "string"],
    22: ["internalTrafficPolicy", "string"],
    23: ["trafficDistribution", "string"],
  },
  ServicePort: {
    1: ["name", "string"],
    2: ["protocol", "string"],
    3: ["port", "integer"],
    4: ["targetPort", "int-or-string"],
    5: ["nodePort", "integer"],
    6: ["appProtocol", "string"],
  },
  Lease: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "LeaseSpec" }],
  },
  LeaseSpec: {
    1: ["holderIdentity", "string"],
    2: ["leaseDurationSeconds", "integer"],
    3: ["acquireTime", "microtime"],
    4: ["renewTime", "microtime"],
    5: ["leaseTransitions", "integer"],
  },
  SelfSubjectAccessReview: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "SelfSubjectAccessReviewSpec" }],
  },
  SelfSubjectAccessReviewSpec: {
    1: ["resourceAttributes", { message: "ResourceAttributes" }],
    2: ["nonResourceAttributes", { message: "NonResourceAttributes" }],
  },
  SubjectAccessReview: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "SubjectAccessReviewSpec" }],
  },
  SubjectAccessReviewSpec: {
    1: ["resourceAttributes", { message: "ResourceAttributes" }],
    2: ["nonResourceAttributes", { message: "NonResourceAttributes" }],
    3: ["user", "string"],
    4: ["groups", TEXTS],
    6: ["uid", "string"],
  },
  ResourceAttributes: {
    1: ["namespace", "string"],
    2: ["verb", "string"],
    3: ["group", "string"],
    4: ["version", "string"],
    5: ["resource", "string"],
    6: ["subresource", "string"],
    7: ["name", "string"],
  },
  NonResourceAttributes: { 1: ["path", "string"], 2: ["verb", "string"] },
  SelfSubjectRulesReview: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "SelfSubjectRulesReviewSpec" }],
  },
  SelfSubjectRulesReviewSpec: { 1: ["namespace", "string"] },
  SelfSubjectReview: { 1: ["metadata", { message: "ObjectMeta" }] },
  TokenRequest: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["spec", { message: "TokenRequestSpec" }],
  },
  TokenRequestSpec: { 1: ["audiences", TEXTS], 4: ["expirationSeconds", "integer"] },
  DeleteOptions: {
    1: ["gracePeriodSeconds", "integer"],
    2: ["preconditions", { message: "Preconditions" }],
    3: ["orphanDependents", "boolean"],
    4: ["propagationPolicy", "string"],
    5: ["dryRun", TEXTS],
  },
  Eviction: {
    1: ["metadata", { message: "ObjectMeta" }],
    2: ["deleteOptions", { message: "DeleteOptions" }],
  },
  Preconditions: { 1: ["uid", "string"], 2: ["resourceVersion", "string"] },
};
