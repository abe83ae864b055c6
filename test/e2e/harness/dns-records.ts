import type { RecordType } from "dns-packet";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { addressesIn, askDns, type DnsAnswer } from "../../../sandbox/clusterset/ask-dns.ts";
import type { E2eCluster } from "./e2e-cluster.ts";

/** One question to the DNS process of a member. */
export function ask(
  cluster: E2eCluster,
  name: string,
  type: RecordType,
): Promise<DnsAnswer | undefined> {
  return askDns({ port: cluster.processes.dnsPort, name, type }, systemClock);
}

/** Addresses of one family at a name, sorted. */
export function addresses(
  cluster: E2eCluster,
  name: string,
  family: string,
): Promise<readonly string[]> {
  return ask(cluster, name, family === "IPv6" ? "AAAA" : "A").then(addressesIn);
}

/** `port target` of each SRV record, sorted. */
export async function srv(cluster: E2eCluster, name: string): Promise<readonly string[]> {
  const answer = await ask(cluster, name, "SRV");
  return (answer?.answers ?? [])
    .flatMap((record) =>
      record.type === "SRV" ? [`${record.data.port} ${record.data.target}`] : [],
    )
    .toSorted();
}

/** Code, types of the answers (`-`: none) and whether a SOA is in the authority section: `NXDOMAIN - SOA`, `NOERROR A`. */
export async function outcome(
  cluster: E2eCluster,
  name: string,
  type: RecordType,
): Promise<string> {
  const answer = await ask(cluster, name, type);
  if (answer === undefined) return "no answer";
  const { answers = [], authorities = [] } = answer;
  const types = answers.length > 0 ? answers.map((record) => record.type) : ["-"];
  const soa = authorities.some((record) => record.type === "SOA") ? ["SOA"] : [];
  return [answer.rcode, ...new Set(types), ...soa].join(" ");
}
