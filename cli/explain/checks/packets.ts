import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Can the ports be dialled? */
export const checkPackets: Check = ({ connections, serviceImport }) => {
  if (serviceImport.ok && serviceImport.value === undefined)
    return notNeeded("nothing is imported");
  if (!connections.ok) return notTested(connections.error);
  const [first] = connections.value;
  if (first === undefined) return notTested("there is no TCP port, or no endpoint, to try");
  const failed =
    connections.value.find(
      ({ failure, cluster }) => failure !== undefined && cluster !== undefined,
    ) ?? connections.value.find(({ failure }) => failure !== undefined);
  if (failed === undefined) {
    return right(
      `${connections.value.length} connections were opened, to ${first.address} port ${first.port} first`,
    );
  }
  const { address, port, failure, cluster } = failed;
  const who = cluster === undefined ? "clusterset IP" : `endpoint of ${cluster},`;
  return wrong(
    `port ${port} of ${who} ${address} cannot be dialled: ${failure}`,
    cluster === undefined
      ? "the endpoints can be dialled and this address cannot: look at kube-proxy, or what stands in for it, in this cluster"
      : `look in ${cluster} whether the pod listens on ${port} and no NetworkPolicy or firewall keeps others out`,
  );
};
