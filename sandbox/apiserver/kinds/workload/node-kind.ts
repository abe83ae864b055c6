import {
  field,
  fieldAt,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  stringAt,
} from "../../object/json.ts";
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
import type { PrinterColumn } from "../kind.ts";

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
    textColumn("Roles", "Roles of the node.", roles),
    AGE_COLUMN,
    textColumn("Version", "Version of the kubelet.", (node) =>
      stringAt(node, ["status", "nodeInfo", "kubeletVersion"]),
    ),
    wide("Internal-IP", "Address inside the cluster.", (node) => address(node, "InternalIP")),
    wide("External-IP", "Address outside the cluster.", (node) => address(node, "ExternalIP")),
    wide("OS-Image", "Operating system.", (node) => info(node, "osImage")),
    wide("Kernel-Version", "Kernel and machine.", kernel),
    wide("Container-Runtime", "What runs the containers.", (node) =>
      info(node, "containerRuntimeVersion"),
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
  const drained = fieldAt(node, ["spec", "unschedulable"]) === true ? ",SchedulingDisabled" : "";
  if (ready === undefined) return `Unknown${drained}`;
  return (stringAt(ready, ["status"]) === "True" ? "Ready" : "NotReady") + drained;
}

const ROLE_LABEL = "node-role.kubernetes.io/";

function roles(node: JsonObject): string {
  const labels = Object.keys(objectAt(node, ["metadata", "labels"]));
  const names = labels
    .filter((label) => label.startsWith(ROLE_LABEL) && label !== ROLE_LABEL)
    .map((label) => label.slice(ROLE_LABEL.length));
  return names.length === 0 ? "<none>" : names.toSorted().join(",");
}

function wide(
  name: string,
  description: string,
  value: (node: JsonObject) => string,
): PrinterColumn {
  return textColumn(name, description, value, 1);
}

function info(node: JsonObject, name: string): string {
  return stringAt(node, ["status", "nodeInfo", name]) || "<unknown>";
}

function kernel(node: JsonObject): string {
  const machine = stringAt(node, ["status", "nodeInfo", "architecture"]);
  return info(node, "kernelVersion") + (machine === "" ? "" : ` (${machine})`);
}

function address(node: JsonObject, type: string): string {
  const found = listAt(node, ["status", "addresses"])
    .filter(isObject)
    .find((item) => item["type"] === type);
  return stringAt(found, ["address"]) || "<none>";
}
