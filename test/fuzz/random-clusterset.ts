import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { ImportPort, ServiceImport } from "../../api/mcs/service-import.ts";
import { anImport, aSlice } from "../../dns-server/testing/objects.ts";
import type { PseudoRandom } from "./pseudo-random.ts";

export interface RandomClusterset {
  readonly imports: readonly ServiceImport[];
  readonly slices: readonly EndpointSlice[];
  /** Those that exist in this cluster; services may be known of others. */
  readonly namespaces: readonly string[];
}

const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const IPS = [
  "10.0.0.1",
  "10.0.0.2",
  "fd00::1",
  "FD00:0::1",
  "fd00::",
  "none",
  "1.2.3.4/8",
] as const;
const IPV4 = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "!10.1.0.4", "!10.1.0.1", "no-address"] as const;
const IPV6 = ["fd00:1::1", "fd00:1::", "::5", "!fd00:1::2"] as const;
const HOSTNAMES = ["", "", "=db-0", "=db-1", "=DB-2", "=no.label"] as const;
/** Names that occur as services, clusters and hosts alike, to be mistaken for each other. */
const NAMES = ["web", "db", "east", "svc", "tcp"] as const;
const CLUSTERS = ["east", "west", "db", "Bad_Cluster"] as const;
const PORT_NAMES = ["http", "HTTP", "web", "-bad", ""] as const;

/** Few names and addresses, so that they meet: duplicates, both families, unready ones, ill-formed ones. */
export function randomClusterset(random: PseudoRandom): RandomClusterset {
  const keys = new Set(
    random.several(6, () => `${random.pick(["a", "b", "hidden"])}/${random.pick(NAMES)}`),
  );
  const imports = [...keys].map((key) =>
    anImport({
      key,
      isHeadless: random.oneIn(2),
      ports: random.several(3, () => randomPort(random)),
      ...(random.oneIn(4) ? {} : { ips: random.several(3, () => random.pick(IPS)) }),
    }),
  );
  const slices = [...keys].flatMap((key) =>
    random
      .several(3, () => ({ key, slice: random.below(100) }))
      .map((draft) => {
        const addresses = random.oneIn(3) ? IPV6 : IPV4;
        return aSlice({
          key: draft.key,
          name: `slice-${draft.slice}`,
          cluster: random.pick(CLUSTERS),
          endpoints: random.several(4, () => `${random.pick(addresses)}${random.pick(HOSTNAMES)}`),
          ports: random.several(2, () => randomPort(random)),
        });
      }),
  );
  return {
    imports,
    slices: uniqueByName(slices),
    namespaces: random.oneIn(8) ? ["b"] : ["a", "b"],
  };
}

function randomPort(random: PseudoRandom): ImportPort {
  return {
    name: random.pick(PORT_NAMES),
    protocol: random.pick(PROTOCOLS),
    port: 80 + random.below(3),
  };
}

function uniqueByName(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const byName = new Map(
    slices.map((slice) => [`${slice.metadata.namespace}/${slice.metadata.name}`, slice]),
  );
  return [...byName.values()];
}
