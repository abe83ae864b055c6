import { shortAge } from "../members/short-age.ts";
import { table } from "../output/table.ts";
import type { MemberReport } from "./member-report.ts";
import { trafficText } from "./traffic-lines.ts";

/** The report for a person: aligned columns, problems under the line they belong to. */
export function statusText(report: MemberReport): string {
  const who =
    report.clusterId === undefined
      ? 'not a member of a clusterset (run "isthmus join" and "isthmus controllers")'
      : `${report.clusterId}, member of clusterset ${report.clusterset ?? "(not named)"}`;
  const exports = report.exports.flatMap(({ service, conditions, problem }) => [
    [service, conditions.join(" ")],
    ...(problem === undefined ? [] : [["", `! ${problem.replaceAll("\n", "; ")}`]]),
  ]);
  const imports = report.imports.map(({ service, type, ips, clusters, ready }) => [
    service,
    type,
    ips.join(",") || "-",
    clusters.join(",") || "-",
    ready ? "ready" : "not ready",
  ]);
  const peers = report.peers.map(({ cluster, liveness, seconds }) => [
    cluster,
    liveness,
    // How long ago somebody who is alive was heard last is of no use to a person.
    liveness === "alive" ? "-" : shortAge(seconds),
  ]);
  const paths = report.paths.map((path) => [
    path.peer,
    `${path.isUsed ? "*" : " "} ${path.backend}`,
    path.state,
    path.rttMs === undefined ? "-" : `${path.rttMs} ms`,
    path.lossPercent === undefined ? "-" : `${path.lossPercent}%`,
    path.mtu?.toString() ?? "-",
    path.since ?? "-",
    path.reason ?? "",
  ]);
  return [
    `Cluster  ${who}`,
    ...controllersLines(report),
    ...report.networkProblems.map((problem) => `! network: ${problem}`),
    ...(peers.length === 0 ? [] : ["", ...table(["PEER", "LIVENESS", "FOR"], peers)]),
    "",
    ...table(["EXPORT", "CONDITIONS"], exports),
    "",
    ...table(["IMPORT", "TYPE", "IP", "FROM", "STATE"], imports),
    ...(paths.length === 0
      ? []
      : ["", ...table(["PEER", "  PATH", "STATE", "RTT", "LOSS", "MTU", "SINCE", "WHY"], paths)]),
    ...trafficText(report.traffic),
  ].join("\n");
}

function controllersLines({ clusterId, controllers }: MemberReport): readonly string[] {
  if (clusterId === undefined) return [];
  const { state, broker, problem, certificateExpiresAt, autoExport } = controllers;
  const facts = [
    `controllers ${state}`,
    ...(broker === undefined ? [] : [`broker ${broker}`]),
    ...(certificateExpiresAt === undefined ? [] : [`certificate until ${certificateExpiresAt}`]),
  ];
  return [
    `State    ${facts.join(", ")}`,
    ...(problem === undefined ? [] : [`! ${problem}`]),
    ...(autoExport === undefined ? [] : autoExportLines(autoExport)),
  ];
}

function autoExportLines({
  exported,
  overQuota,
  overQuotaCount,
}: NonNullable<MemberReport["controllers"]["autoExport"]>): readonly string[] {
  const line = `Auto     exported by their labels: ${exported}, over the quota: ${overQuotaCount}`;
  if (overQuotaCount === 0) return [line];
  const more = overQuotaCount - overQuota.length;
  return [
    line,
    `! not exported, over the quota: ${overQuota.join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
  ];
}
