import { field, isObject, type JsonObject, listAt, stringAt } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import {
  anyObject,
  atomicList,
  bool,
  mapList,
  pointer,
  setList,
  struct,
  text,
} from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";

const CONDITION = struct("NodeCondition", "State of one aspect of a node.", {
  type: text("Type of the condition."),
  status: text("True, False or Unknown."),
  lastHeartbeatTime: text("Last time the condition was updated."),
  lastTransitionTime: text("Last time the condition changed."),
  reason: text("Why it changed."),
  message: text("Details."),
});

const ADDRESS = struct("NodeAddress", "An address of the node.", {
  type: text("Hostname, ExternalIP or InternalIP."),
  address: text("The address."),
});

const SPEC = struct("NodeSpec", "Behavior of a node.", {
  podCIDR: text("CIDR of the node's pods; equals podCIDRs[0]."),
  podCIDRs: setList("CIDRs of the node's pods, one a family.", text("A CIDR.")),
  providerID: text("ID assigned by the cloud provider."),
  unschedulable: bool("No new pods are scheduled."),
  taints: atomicList("Taints of the node.", anyObject("A taint.")),
});

const STATUS = struct("NodeStatus", "Most recently observed status of the node.", {
  capacity: anyObject("Total resources."),
  allocatable: anyObject("Resources available to pods."),
  phase: text("Deprecated."),
  conditions: mapList("State of the node.", { keys: ["type"], mergeKey: "type" }, CONDITION),
  addresses: mapList("Addresses of the node.", { keys: ["type"], mergeKey: "type" }, ADDRESS),
  daemonEndpoints: anyObject("Endpoints of daemons on the node."),
  nodeInfo: anyObject("Facts about the node."),
  images: atomicList("Images on the node.", anyObject("An image.")),
  volumesInUse: atomicList("Volumes in use.", text("A volume.")),
  volumesAttached: atomicList("Volumes attached.", anyObject("A volume.")),
  config: pointer(anyObject("Configuration.")),
  features: anyObject("Features of the runtime."),
  runtimeHandlers: atomicList("Runtime handlers.", anyObject("A handler.")),
});

export const NODE = builtinKind({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  namespaced: false,
  subresources: { status: true },
  description: "Node is a worker node in Kubernetes.",
  properties: { spec: SPEC, status: { ...STATUS } },
  empty: { spec: {}, status: {} },
  columns: [
    textColumn("Status", "Whether the node is ready.", nodeStatus),
    AGE_COLUMN,
    textColumn("Version", "Version of the kubelet.", (node) =>
      stringAt(node, ["status", "nodeInfo", "kubeletVersion"]),
    ),
    textColumn(
      "Internal-IP",
      "Address inside the cluster.",
      (node) => address(node, "InternalIP"),
      1,
    ),
  ],
  name: dnsSubdomain,
  rules: {
    initialStatus: {},
    applyDefaults: (node) => ({
      ...node,
      spec: field(node, "spec") ?? {},
      status: field(node, "status") ?? {},
    }),
  },
});

function nodeStatus(node: JsonObject): string {
  const ready = listAt(node, ["status", "conditions"])
    .filter(isObject)
    .find((condition) => condition["type"] === "Ready");
  if (ready === undefined) return "Unknown";
  return stringAt(ready, ["status"]) === "True" ? "Ready" : "NotReady";
}

function address(node: JsonObject, type: string): string {
  const found = listAt(node, ["status", "addresses"])
    .filter(isObject)
    .find((item) => item["type"] === type);
  return stringAt(found, ["address"]) || "<none>";
}
