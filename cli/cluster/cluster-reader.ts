import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { MCS_VERSIONS, type McsVersion } from "../../api/mcs/service-export.ts";
import { ok, type Result } from "../../api/result.ts";
import type { KubeClient, ListQuery } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { listAll } from "../../runtime/kube/list-all.ts";

/** One look at a cluster, for commands: what is absent, or of a kind that is, is a value. */
export class ClusterReader {
  readonly #client: Pick<KubeClient, "get" | "list">;
  readonly #signal: AbortSignal;

  constructor(client: Pick<KubeClient, "get" | "list">, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  async find<T extends KubeObject>(
    resource: Resource,
    name: string,
    namespace?: string,
  ): Promise<Result<T | undefined, KubeError>> {
    const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
    const found = await this.#client.get<T>(ref, { signal: this.#signal });
    return found.ok || !isAbsent(found.error) ? found : ok(undefined);
  }

  async list<T extends KubeObject>(
    resource: Resource,
    query: Omit<ListQuery, "limit" | "continueToken"> = {},
  ): Promise<Result<readonly T[], KubeError>> {
    const listed = await listAll<T>(this.#client, resource, query, this.#signal);
    return listed.ok || !isAbsent(listed.error) ? listed : ok([]);
  }

  /** In the best version that is served (VER-04). */
  async findMcs<T extends KubeObject>(
    resourceOf: (version: McsVersion) => Resource,
    namespace: string,
    name: string,
  ): Promise<Result<T | undefined, KubeError>> {
    for (const version of MCS_VERSIONS) {
      const found = await this.find<T>(resourceOf(version), name, namespace);
      if (!found.ok || found.value !== undefined) return found;
    }
    return ok(undefined);
  }

  /** All objects of a namespace, or of all, in the best version that is served; fails where none is. */
  async listMcs<T extends KubeObject>(
    resourceOf: (version: McsVersion) => Resource,
    namespace: string | undefined,
  ): Promise<Result<readonly T[], KubeError>> {
    const query = namespace === undefined ? {} : { namespace };
    let missing: Result<readonly T[], KubeError> | undefined;
    for (const version of MCS_VERSIONS) {
      const listed = await listAll<T>(this.#client, resourceOf(version), query, this.#signal);
      if (listed.ok || listed.error.kind !== "no-such-resource") return listed;
      missing ??= listed;
    }
    return missing ?? ok([]);
  }
}

function isAbsent({ kind }: KubeError): boolean {
  return kind === "not-found" || kind === "no-such-resource";
}
