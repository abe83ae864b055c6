import {
  fieldAt,
  isObject,
  type JsonObject,
  listAt,
  numberAt,
  stringAt,
} from "../../object/json.ts";
import { AGE_COLUMN, labelsText, textColumn } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";
import { SERVICE_PROPERTIES } from "./service-schema.ts";
import { viewSpec } from "./service-spec.ts";

export const SERVICE_COLUMNS: readonly PrinterColumn[] = [
  textColumn("Type", describe("type"), (service) => viewSpec(service).type),
  textColumn(
    "Cluster-IP",
    describe("clusterIP"),
    (service) => viewSpec(service).clusterIP || "<none>",
  ),
  textColumn("External-IP", describe("externalIPs"), externalIp),
  textColumn("Port(s)", describe("ports"), ports),
  AGE_COLUMN,
  textColumn(
    "Selector",
    describe("selector"),
    (service) => labelsText(viewSpec(service).selector),
    1,
  ),
];

function describe(name: string): string {
  return SERVICE_PROPERTIES["spec"]?.properties?.[name]?.description ?? "";
}

function externalIp(service: JsonObject): string {
  const given = listAt(service, ["spec", "externalIPs"]).filter((ip) => typeof ip === "string");
  const { type } = viewSpec(service);
  if (type === "ExternalName") return stringAt(service, ["spec", "externalName"]) || "<none>";
  if (type !== "LoadBalancer") return given.length === 0 ? "<none>" : given.join(",");
  const ingress = listAt(service, ["status", "loadBalancer", "ingress"]).filter(isObject);
  const points = ingress.map((point) => stringAt(point, ["ip"]) || stringAt(point, ["hostname"]));
  const all = [...points, ...given];
  return all.length === 0 ? "<pending>" : all.join(",");
}

function ports(service: JsonObject): string {
  const texts = listAt(service, ["spec", "ports"]).map((port) => {
    const nodePort = numberAt(port, ["nodePort"]);
    const number = numberAt(port, ["port"]) ?? 0;
    const protocol =
      fieldAt(port, ["protocol"]) === undefined ? "TCP" : stringAt(port, ["protocol"]);
    return nodePort === undefined ? `${number}/${protocol}` : `${number}:${nodePort}/${protocol}`;
  });
  return texts.length === 0 ? "<none>" : texts.join(",");
}
