import type { DemoClusterset } from "./demo-clusterset.ts";
import { SAMPLE_NAME } from "./demo-scenario.ts";
import { SAMPLE } from "./sample-service.ts";

/** Lines that a person can paste into another terminal while the demo runs; all of them work as they stand. */
export function pasteLines(clusterset: DemoClusterset): readonly string[] {
  const consumer = clusterset.members.at(-1);
  const exporter = clusterset.members[0];
  if (consumer === undefined || exporter === undefined) return [];
  const { dnsPort } = clusterset.processes.member(consumer.id);
  const { namespace, name } = SAMPLE;
  return [
    "",
    "The clusterset stays up. In another terminal:",
    "",
    `  export KUBECONFIG=${clusterset.kubeconfig}`,
    `  kubectl --context ${consumer.id} -n ${namespace} get serviceimports,endpointslices`,
    `  dig @127.0.0.1 -p ${dnsPort} ${SAMPLE_NAME}`,
    `  curl --proxy socks5h://127.0.0.1:${consumer.socksPort} http://${SAMPLE_NAME}/`,
    "",
    "Change something, and ask again:",
    "",
    `  kubectl --context ${exporter.id} -n ${namespace} delete serviceexport ${name}`,
    `  kubectl --context ${exporter.id} -n ${namespace} scale deployment ${name} --replicas=4`,
    `  kubectl --context ${exporter.id} -n ${namespace} describe serviceexport ${name}`,
    `  kill -9 ${clusterset.processes.broker.pid ?? ""}   # the broker: names keep resolving; it is started again`,
    "",
    "A shell inside a member is its SOCKS5 entry:",
    "",
    ...clusterset.members.map(
      ({ id, socksPort }) =>
        `  ${id}  socks5h://127.0.0.1:${socksPort}  dns 127.0.0.1:${clusterset.processes.member(id).dnsPort}`,
    ),
    "",
    "Ctrl-C ends everything and leaves nothing behind.",
  ];
}
