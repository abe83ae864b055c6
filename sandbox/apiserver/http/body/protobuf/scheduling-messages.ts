import { type Messages, TEXTS } from "./protobuf-field.ts";

/** Where pods may run; from the generated.proto files of k8s.io/api 0.36. */
export const SCHEDULING_MESSAGES: Messages = {
  Affinity: {
    1: ["nodeAffinity", { message: "NodeAffinity" }],
    2: ["podAffinity", { message: "PodAffinity" }],
    3: ["podAntiAffinity", { message: "PodAntiAffinity" }],
  },
  Toleration: {
    1: ["key", "string"],
    2: ["operator", "string"],
    3: ["value", "string"],
    4: ["effect", "string"],
    5: ["tolerationSeconds", "integer"],
  },
  TopologySpreadConstraint: {
    1: ["maxSkew", "integer"],
    2: ["topologyKey", "string"],
    3: ["whenUnsatisfiable", "string"],
    4: ["labelSelector", { message: "LabelSelector" }],
    5: ["minDomains", "integer"],
    6: ["nodeAffinityPolicy", "string"],
    7: ["nodeTaintsPolicy", "string"],
    8: ["matchLabelKeys", TEXTS],
  },
  NodeAffinity: {
    1: ["requiredDuringSchedulingIgnoredDuringExecution", { message: "NodeSelector" }],
    2: [
      "preferredDuringSchedulingIgnoredDuringExecution",
      { list: { message: "PreferredSchedulingTerm" } },
    ],
  },
  PodAffinity: {
    1: ["requiredDuringSchedulingIgnoredDuringExecution", { list: { message: "PodAffinityTerm" } }],
    2: [
      "preferredDuringSchedulingIgnoredDuringExecution",
      { list: { message: "WeightedPodAffinityTerm" } },
    ],
  },
  PodAntiAffinity: {
    1: ["requiredDuringSchedulingIgnoredDuringExecution", { list: { message: "PodAffinityTerm" } }],
    2: [
      "preferredDuringSchedulingIgnoredDuringExecution",
      { list: { message: "WeightedPodAffinityTerm" } },
    ],
  },
  NodeSelector: {
    1: ["nodeSelectorTerms", { list: { message: "NodeSelectorTerm" } }],
  },
  PreferredSchedulingTerm: {
    1: ["weight", "integer"],
    2: ["preference", { message: "NodeSelectorTerm" }],
  },
  PodAffinityTerm: {
    1: ["labelSelector", { message: "LabelSelector" }],
    2: ["namespaces", TEXTS],
    3: ["topologyKey", "string"],
    4: ["namespaceSelector", { message: "LabelSelector" }],
    5: ["matchLabelKeys", TEXTS],
    6: ["mismatchLabelKeys", TEXTS],
  },
  WeightedPodAffinityTerm: {
    1: ["weight", "integer"],
    2: ["podAffinityTerm", { message: "PodAffinityTerm" }],
  },
  NodeSelectorTerm: {
    1: ["matchExpressions", { list: { message: "NodeSelectorRequirement" } }],
    2: ["matchFields", { list: { message: "NodeSelectorRequirement" } }],
  },
  NodeSelectorRequirement: {
    1: ["key", "string"],
    2: ["operator", "string"],
    3: ["values", TEXTS],
  },
};
