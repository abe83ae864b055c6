import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { ImportPort, ServiceImport } from "../../api/mcs/service-import.ts";
import { anImport, aSlice } from "../../dns-server/testing/objects.ts";
import type { Draw } from "../../runtime/random/draw.ts";

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
export function randomClusterset(draw: Draw): RandomClusterset {
  const keys = new Set(
    draw.several(6, () => `${draw.one(["a", "b", "hidden"])}/${draw.one(NAMES)}`),
  );
  const imports = [...keys].map((key) =>
    anImport({
      key,
      isHeadless: draw.oneIn(2),
      ports: draw.several(3, () => randomPort(draw)),
      ...(draw.oneIn(4) ? {} : { ips: draw.several(3, () => draw.one(IPS)) }),
    }),
  );
  const slices = [...keys].flatMap((key) =>
    draw
      .several(3, () => ({ key, slice: draw.below(100) }))
      .map((draft) => {
        const addresses = draw.oneIn(3) ? IPV6 : IPV4;
        return aSlice({
          key: draft.key,
          name: `slice-${draft.slice}`,
          cluster: draw.one(CLUSTERS),
          endpoints: draw.several(4, () => `${draw.one(addresses)}${draw.one(HOSTNAMES)}`),
          ports: draw.several(2, () => randomPort(draw)),
        });
      }),
  );
  return {
    imports,
    slices: uniqueByName(slices),
    namespaces: draw.oneIn(8) ? ["b"] : ["a", "b"],
  };
}

function randomPort(draw: Draw): ImportPort {
  return {
    name: draw.one(PORT_NAMES),
    protocol: draw.one(PROTOCOLS),
    port: 80 + draw.below(3),
  };
}

function uniqueByName(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const byName = new Map(
    slices.map((slice) => [`${slice.metadata.namespace}/${slice.metadata.name}`, slice]),
  );
  return [...byName.values()];
}
