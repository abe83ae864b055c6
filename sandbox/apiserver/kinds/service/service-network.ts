import type { IpFamily } from "../../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Random } from "../../../../runtime/random/random.ts";
import { ClusterIpAllocator } from "./cluster-ip-allocator.ts";
import { type IpRange, parseIpRange } from "./ip-range.ts";
import { NodePortAllocator } from "./node-port-allocator.ts";

/** What Services of one cluster draw from: one range of cluster IPs a family, the first being the default, and node ports. */
export class ServiceNetwork {
  readonly families: readonly IpFamily[];
  readonly nodePorts: NodePortAllocator;
  readonly #clusterIps: ReadonlyMap<IpFamily, ClusterIpAllocator>;

  constructor(ranges: readonly IpRange[], { random }: { readonly random: Random }) {
    this.families = ranges.map((range) => range.family);
    this.nodePorts = new NodePortAllocator({ random });
    this.#clusterIps = new Map(
      ranges.map((range) => [range.family, new ClusterIpAllocator(range, { random })]),
    );
  }

  clusterIps(family: IpFamily): ClusterIpAllocator | undefined {
    return this.#clusterIps.get(family);
  }
}

/** One or two CIDRs, of different families: `["10.101.0.0/16"]`, `["10.101.0.0/16", "fd00:101::/112"]`. */
export function parseServiceRanges(cidrs: readonly string[]): Result<readonly IpRange[], string> {
  const ranges: IpRange[] = [];
  for (const cidr of cidrs) {
    const range = parseIpRange(cidr);
    if (!range.ok) return range;
    ranges.push(range.value);
  }
  const families = new Set(ranges.map((range) => range.family));
  if (ranges.length === 0 || families.size !== ranges.length) {
    return err(
      `cannot use service ranges: must be one CIDR or one of each family: got ${cidrs.join(",")}`,
    );
  }
  return ok(ranges);
}
