import type { Facts } from "../facts.ts";
import { type Check, notTested, type Outcome, right, wrong } from "../finding.ts";
import { type ZonePlace, zonePlaces } from "../zone-places.ts";

const ZONE = "clusterset.local";

/** Does the cluster's own DNS send the zone to the clusterset's server? */
export const checkClusterDns: Check = ({ clusterDns, dnsAddresses }) => {
  if (!clusterDns.ok) return notTested(clusterDns.error);
  const places = zonePlaces(clusterDns.value, ZONE);
  if (!places.ok) return notTested(places.error);
  if (places.value.length === 0) {
    return notTested(
      "this cluster's DNS is none that is known here (CoreDNS, kube-dns, NodeLocal DNSCache)",
    );
  }
  const outcomes = places.value.map((place) => judge(place, dnsAddresses));
  return (
    outcomes.find(({ verdict }) => verdict === "wrong") ??
    outcomes.find(({ verdict }) => verdict === "not tested") ??
    right(outcomes.map(({ says }) => says).join("; "))
  );
};

const MEND = 'run "isthmus wire-dns --apply" here, or change it by hand (docs/dns.md)';

function judge({ where, fate }: ZonePlace, wanted: Facts["dnsAddresses"]): Outcome {
  switch (fate.kind) {
    case "absent":
      return wrong(
        `the cluster's DNS does not know zone ${ZONE}: nothing in ${where} is for it`,
        MEND,
      );
    case "answers":
      return right(`the cluster's DNS answers ${ZONE} itself, by plugin ${fate.plugin}`);
    case "nowhere":
      return wrong(`${where} has a block for ${ZONE} that forwards nothing`, MEND);
    case "forwards": {
      const to = fate.to.join(", ");
      if (!wanted.ok) return notTested(`${where} sends ${ZONE} to ${to}: ${wanted.error}`);
      if (!fate.to.some((address) => wanted.value.includes(address))) {
        const is = wanted.value.join(", ") || "no address";
        return wrong(
          `${where} sends ${ZONE} to ${to}, where isthmus dns is not: it is at ${is}`,
          MEND,
        );
      }
      return right(`${where} sends ${ZONE} to ${to}`);
    }
  }
}
