import { shortAge } from "../../members/short-age.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";
import { otherExporters } from "../other-exporters.ts";

/** Are the clusters alive that export it? (CLN-05, CLN-06) */
export const checkExporters: Check = (facts) => {
  const others = otherExporters(facts);
  if (others.length === 0) return notNeeded("no other cluster exports it");
  if (!facts.peerReports.ok) return notTested(facts.peerReports.error);
  const reports = others.map((cluster) => ({
    cluster,
    report: (facts.peerReports.ok ? facts.peerReports.value : []).find(
      (one) => one.cluster === cluster,
    ),
  }));
  for (const { cluster, report } of reports) {
    if (report?.liveness !== "suspect" && report?.liveness !== "gone") continue;
    const effect =
      report.liveness === "gone"
        ? "its endpoints are withdrawn, unless no others are left"
        : "its endpoints stay for now";
    return wrong(
      `${cluster} has not been heard at the broker for ${shortAge(report.seconds)} (${report.liveness}): ${effect}`,
      `look at the controllers of ${cluster}, and at its way to the broker`,
    );
  }
  const unknown = reports.filter(({ report }) => report?.liveness !== "alive");
  if (unknown.length > 0) {
    const names = unknown.map(({ cluster }) => cluster).join(", ");
    return notTested(`nobody has said lately whether ${names} is alive`);
  }
  return right(`${others.join(", ")}: alive`);
};
