import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Who decides what the service is, and does everybody agree? (CON-02, EXP-24) */
export const checkMerge: Check = ({ serviceImport, serviceExport }) => {
  if (!serviceImport.ok) return notTested(serviceImport.error);
  // Exporters are listed in order of precedence.
  const clusters = (serviceImport.value?.status?.clusters ?? []).map(({ cluster }) => cluster);
  const [winner] = clusters;
  const conflict = (serviceExport.ok ? serviceExport.value : undefined)?.status?.conditions?.find(
    ({ type }) => type === "Conflict",
  );
  if (conflict?.status === "True") {
    return wrong(
      `exports disagree (${conflict.reason}): ${conflict.message.replaceAll("\n", "; ")}`,
      "make the Services alike in all clusters, or end the exports that should not be; the oldest decides until then",
    );
  }
  if (conflict?.status === "Unknown") return notTested(conflict.message);
  if (winner === undefined) return notNeeded("nothing is imported");
  const who = `${winner} decides ports and type (oldest export of ${clusters.join(", ")})`;
  if (conflict?.status === "False") return right(`${who}; all agree`);
  if (clusters.length === 1) return right(`${winner} alone exports it`);
  return notTested(`${who}; whether they disagree shows on the exports, in those clusters`);
};
