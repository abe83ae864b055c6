import { SERVICE_CIDRS, type ServiceCidr } from "../../api/kube/service-cidr.ts";
import { formatCidr, parseCidr } from "../../api/network/cidr.ts";
import { MEMBER_CIDRS_MAX, parseMemberCidr } from "../../api/network/member-cidr.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { listAll } from "../../runtime/kube/list-all.ts";

export interface ServiceNetworks {
  readonly networks: readonly string[];
  /** What cannot be said, and why. */
  readonly problems: readonly string[];
}

/** They hardly ever change, and nothing waits for them. */
const AGAIN_MS = 60_000;
/** Where the API server has none, or does not let us look. */
const REFUSED_AGAIN_MS = 600_000;

/**
 * The networks of this cluster's Services: as the admin says, or as the API server's ServiceCIDR objects say, or as was said
 * before while neither is known.
 */
export class ServiceNetworkReader {
  readonly #given: readonly string[];
  readonly #deps: { readonly client: Pick<KubeClient, "list">; readonly clock: Clock };
  #read: readonly string[] | undefined;
  #nextMs = 0;

  constructor(
    given: readonly string[],
    deps: { readonly client: Pick<KubeClient, "list">; readonly clock: Clock },
  ) {
    this.#given = given;
    this.#deps = deps;
  }

  /** @param known what was said before */
  async current(known: readonly string[], signal: AbortSignal): Promise<ServiceNetworks> {
    if (this.#given.length > 0) return sayable(this.#given);
    const { client, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs >= this.#nextMs) {
      const listed = await listAll<ServiceCidr>(client, SERVICE_CIDRS, {}, signal);
      if (listed.ok) this.#read = listed.value.flatMap(({ spec }) => spec?.cidrs ?? []);
      const isRefused =
        !listed.ok &&
        (listed.error.kind === "no-such-resource" || listed.error.kind === "forbidden");
      if (listed.ok || isRefused) this.#nextMs = nowMs + (isRefused ? REFUSED_AGAIN_MS : AGAIN_MS);
    }
    return sayable(this.#read ?? known);
  }
}

/** In their one form, in order, each once, and never more or others than the protocol takes. */
function sayable(texts: readonly string[]): ServiceNetworks {
  const problems: string[] = [];
  const networks = new Set<string>();
  for (const text of texts) {
    const cidr = parseCidr(text);
    const checked = parseMemberCidr("service network", cidr.ok ? formatCidr(cidr.value) : text);
    if (checked.ok) networks.add(formatCidr(checked.value));
    else problems.push(checked.error);
  }
  const sorted = [...networks].toSorted();
  if (sorted.length > MEMBER_CIDRS_MAX) {
    problems.push(`service networks must be at most ${MEMBER_CIDRS_MAX}: got ${sorted.length}`);
  }
  return { networks: sorted.slice(0, MEMBER_CIDRS_MAX), problems: problems.slice(0, 5) };
}
