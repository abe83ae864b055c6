import { ANNOTATION_EXPORT_TO } from "../../../api/mcs/labels.ts";
import { matchesPattern } from "../../../api/policy/namespace-rules.ts";
import { exportAudience } from "../../../controllers/export/export-audience.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Is the export for the cluster that wants it? (docs/decisions/0004, 0009) */
export const checkAudience: Check = ({ serviceExport, slices, client, namespace, name }) => {
  if (!serviceExport.ok) return notTested(serviceExport.error);
  if (serviceExport.value === undefined) return notNeeded("this cluster does not export it");
  const audience = exportAudience(serviceExport.value);
  if (!audience.ok) return notNeeded("the export is not valid");
  const chosen: readonly string[] | undefined = audience.value;
  if (client !== undefined && chosen !== undefined && !chosen.includes(client)) {
    return wrong(
      `the export is for ${chosen.join(", ")} alone, not for ${client}`,
      `kubectl -n ${namespace} annotate --overwrite serviceexport ${name} ${ANNOTATION_EXPORT_TO}=${[...chosen, client].join(",")}`,
    );
  }
  if (client !== undefined && !slices.ok) return notTested(slices.error);
  const slice = slices.ok
    ? slices.value.find(({ namespaces }) =>
        namespaces.some((one) => matchesPattern(one, namespace)),
      )
    : undefined;
  const inside: readonly string[] = slice?.clusters ?? [];
  if (client !== undefined && slice !== undefined && !inside.includes(client)) {
    return wrong(
      `namespace ${namespace} is of slice ${slice.name}, which ${client} is not in: only ${inside.join(", ")} are`,
      `add ${client} to slice ${slice.name} in the hub's policy (docs/slices.md)`,
    );
  }
  const of = slice === undefined ? "" : ` of slice ${slice.name} (${inside.join(", ")})`;
  return right(
    chosen === undefined ? `for all clusters${of}` : `for ${chosen.join(", ")} alone${of}`,
  );
};
