import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";
import { otherExporters } from "../other-exporters.ts";

/** Do probes come through to the exporters? */
export const checkPath: Check = (facts) => {
  const others = otherExporters(facts);
  if (others.length === 0) return notNeeded("no other cluster exports it");
  const { peers } = facts;
  if (!peers.ok) return notTested(peers.error);
  if (peers.value.length === 0) {
    return notTested(
      'no backend is configured, so nothing is probed ("isthmus controllers --backends")',
    );
  }
  const up: string[] = [];
  const unknown: string[] = [];
  for (const cluster of others) {
    const status = peers.value.find(({ spec }) => spec.cluster === cluster)?.status;
    const path = status?.paths.find(({ backend }) => backend === status.backend);
    if (path?.state === "down") {
      return wrong(
        `the path to ${cluster} over ${path.backend} is dead: ${path.reason ?? "probes are not answered"}`,
        `look at the network between the clusters, at the gateways, and whether "isthmus controllers" of ${cluster} answers probes`,
      );
    }
    if (path?.state !== "up") {
      unknown.push(cluster);
      continue;
    }
    const figures = [
      ...(path.rttMs === undefined ? [] : [`${path.rttMs} ms`]),
      ...(path.lossPercent === undefined ? [] : [`${path.lossPercent}% lost`]),
    ];
    up.push(
      `${cluster} over ${path.backend}${figures.length === 0 ? "" : ` (${figures.join(", ")})`}`,
    );
  }
  if (unknown.length > 0) return notTested(`not measured: the path to ${unknown.join(", ")}`);
  return right(`up: ${up.join(", ")}`);
};
