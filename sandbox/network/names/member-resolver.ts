import { err, ok, type Result } from "../../../api/result.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { answerClusterName, CLUSTER_DOMAIN, type ClusterObjects } from "./cluster-names.ts";
import type { DnsClient } from "./dns-client.ts";
import type { NameResolver, ResolveError } from "./name-resolver.ts";
import { searchNames } from "./search-list.ts";

const MAX_ALIASES = 8;

/**
 * The shell's resolver: the search list of its namespace; cluster.local from the member's own objects
 * (VIP-06), every other name from the configured DNS server.
 */
export class MemberResolver implements NameResolver {
  readonly #namespace: string;
  readonly #objects: ClusterObjects;
  readonly #random: Random;
  #dns: DnsClient | undefined;

  constructor(
    options: { readonly namespace: string },
    deps: { readonly objects: ClusterObjects; readonly dns?: DnsClient; readonly random: Random },
  ) {
    this.#namespace = options.namespace;
    this.#objects = deps.objects;
    this.#random = deps.random;
    this.#dns = deps.dns;
  }

  setDns(dns: DnsClient): void {
    this.#dns = dns;
  }

  async resolve(
    name: string,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], ResolveError>> {
    let failure: ResolveError = { kind: "not-found", message: `${name}: no such name` };
    for (const candidate of searchNames(name, this.#namespace)) {
      const found = await this.#lookup(candidate, signal);
      if (found.ok) return ok(rotate(found.value, this.#random.next()));
      // As a real stub resolver: a server that fails does not end the search, but nor is it "no such name".
      if (found.error.kind === "failed") failure = found.error;
    }
    return err(failure);
  }

  async #lookup(
    first: string,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], ResolveError>> {
    let name = first;
    for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
      if (!isUnder(name, CLUSTER_DOMAIN)) return this.#ask(name, signal);
      const answer = answerClusterName(name, this.#objects);
      if (answer.kind === "addresses") return ok(answer.addresses);
      if (answer.kind === "not-found") {
        return err({ kind: "not-found", message: `${name}: no such name in this cluster` });
      }
      name = answer.name.toLowerCase().replace(/\.$/, "");
    }
    return err({ kind: "failed", message: `${first}: more than ${MAX_ALIASES} aliases` });
  }

  #ask(name: string, signal: AbortSignal): Promise<Result<readonly string[], ResolveError>> {
    if (this.#dns !== undefined) return this.#dns.lookup(name, signal);
    const message = `${name}: outside ${CLUSTER_DOMAIN}, and no DNS server is configured`;
    return Promise.resolve(err({ kind: "not-found", message }));
  }
}

function isUnder(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

/** Starts at a random one: clients of a headless name spread over its pods. */
function rotate<T>(items: readonly T[], draw: number): readonly T[] {
  const start = Math.floor(draw * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
