import { parseDnsLabel } from "../../../api/dns-label.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** RFC 1035 section 2.3.4, as text without the root's dot. */
const NAME_BYTES_MAX = 253;

/** Can every endpoint of a headless service have the name it asks for? (HDL-06, DNS-45) */
export const checkHostNames: Check = ({ serviceImport, importSlices, namespace, name }) => {
  if (!serviceImport.ok) return notTested(serviceImport.error);
  if (serviceImport.value?.spec.type !== "Headless") return notNeeded("not headless");
  if (!importSlices.ok) return notTested(importSlices.error);
  let count = 0;
  for (const { metadata, endpoints } of importSlices.value) {
    const cluster = metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "";
    for (const { hostname } of endpoints ?? []) {
      if (hostname === undefined) continue;
      count += 1;
      const full = `${hostname}.${cluster}.${name}.${namespace}.svc.clusterset.local`;
      const label = parseDnsLabel("hostname", hostname);
      const rule = label.ok
        ? `the name ${full} must be at most ${NAME_BYTES_MAX} bytes: got ${full.length}`
        : label.error;
      if (label.ok && full.length <= NAME_BYTES_MAX) continue;
      return wrong(
        `endpoint ${hostname} of ${cluster} has no name of its own: ${rule}`,
        `give its pod another hostname in ${cluster}, or use shorter names; it is found by the service's name all the same`,
      );
    }
  }
  return right(count === 0 ? "no endpoint asks for one" : `${count} can all be served`);
};
