import type { NetClusterset } from "../clusterset/net-clusterset.ts";
import { SAMPLE_NAME } from "./demo-scenario.ts";
import { SAMPLE } from "./sample-service.ts";

/** Lines that root can paste into another terminal while the demo runs; all of them work as they stand. */
export function netPasteLines(clusterset: NetClusterset, kubeconfig: string): readonly string[] {
  const consumer = clusterset.clusters.at(-1);
  const [exporter] = clusterset.clusters;
  if (consumer === undefined || exporter === undefined) return [];
  const { namespace, name } = SAMPLE;
  const client = consumer.clients[0]?.namespace ?? "";
  const [dns = ""] = consumer.dnsAddresses;
  const [node] = consumer.plan.nodes;
  return [
    "",
    "The clusterset stays up, in namespaces of its own. In another terminal, as root, a shell among them:",
    "",
    `  nsenter --mount --net --pid --target $(pgrep -n -f 'main.ts demo .*--backend')`,
    "",
    "and in it:",
    "",
    `  export KUBECONFIG=${kubeconfig}`,
    `  kubectl --context ${consumer.plan.id} -n ${namespace} get serviceimports,endpointslices`,
    `  ip netns exec ${client} dig @${dns} ${SAMPLE_NAME}`,
    `  ip netns exec ${client} curl http://$(ip netns exec ${client} dig +short @${dns} ${SAMPLE_NAME})/`,
    `  kubectl --context ${exporter.plan.id} -n ${namespace} scale deployment ${name} --replicas=4`,
    `  ip netns exec ${node?.namespace ?? ""} ip route`,
    "  ip netns",
    "",
    "Ctrl-C ends everything and leaves nothing behind.",
  ];
}
