import type { KubeObject } from "../../../../api/kube/object.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import type { KubeClient, ObjectRef } from "../../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../../runtime/kube/kube-error.ts";
import type { Logger } from "../../../../runtime/log/log.ts";
import type { Random } from "../../../../runtime/random/random.ts";
import type {
  Following,
  Space,
  SpaceError,
  SpaceItem,
  SpaceListener,
  SpaceVersion,
  SpaceWrite,
} from "../space.ts";
import { KubeFollower } from "./kube-follower.ts";
import {
  GROUP_LABEL,
  groupOf,
  PAGE,
  SPACE_LABEL,
  type SpaceObjectKind,
  toItem,
  toObject,
} from "./space-object.ts";

export interface KubeSpaceOptions {
  readonly namespace: string;
  /** Tells spaces in one namespace apart; a label value. */
  readonly space: string;
  readonly kind: SpaceObjectKind;
}

export interface KubeSpaceDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const CALL_MS = 5000;
const LIST_ATTEMPTS = 3;

/** A space as objects of the hub's API server: conditions are resourceVersions and names, following is a watch. */
export class KubeSpace implements Space {
  readonly #options: KubeSpaceOptions;
  readonly #deps: KubeSpaceDeps;
  readonly #closing = new AbortController();
  /** BOUNDED: by those who follow. */
  readonly #followers = new Set<KubeFollower>();

  constructor(options: KubeSpaceOptions, deps: KubeSpaceDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async read(name: string): Promise<Result<SpaceItem | undefined, SpaceError>> {
    // Without a resourceVersion: not from the server's cache.
    const found = await this.#deps.client.get<KubeObject>(this.#ref(name), this.#call());
    if (found.ok) return ok(toItem(this.#options.kind, found.value));
    return found.error.kind === "not-found" ? ok(undefined) : err(fromKubeError(found.error));
  }

  async list(prefix: string): Promise<Result<readonly SpaceItem[], SpaceError>> {
    for (let attempt = 1; ; attempt++) {
      const listed = await this.#list(prefix);
      if (listed.ok) return ok(listed.value.filter(({ name }) => name.startsWith(prefix)));
      if (listed.error.kind !== "gone" || attempt === LIST_ATTEMPTS) {
        return err(fromKubeError(listed.error));
      }
    }
  }

  async create(write: SpaceWrite): Promise<Result<SpaceVersion, SpaceError>> {
    const { kind } = this.#options;
    const object = toObject(kind, this.#options, write);
    const created = await this.#deps.client.create(kind.resource, object, this.#call());
    return created.ok ? ok(versionOf(created.value)) : err(fromKubeError(created.error));
  }

  async replace(
    write: SpaceWrite,
    version: SpaceVersion,
  ): Promise<Result<SpaceVersion, SpaceError>> {
    const { kind } = this.#options;
    const object = toObject(kind, this.#options, write, version);
    const updated = await this.#deps.client.update(kind.resource, object, this.#call());
    if (updated.ok) return ok(versionOf(updated.value));
    const { kind: failure, message } = updated.error;
    return failure === "not-found"
      ? err({ kind: "conflict", text: message })
      : err(fromKubeError(updated.error));
  }

  async remove(name: string, version?: SpaceVersion): Promise<Result<void, SpaceError>> {
    const preconditions = version === undefined ? {} : { resourceVersion: version };
    const target = this.#ref(name);
    const removed = await this.#deps.client.delete(target, preconditions, this.#call());
    if (removed.ok || removed.error.kind === "not-found") return ok(undefined);
    return err(fromKubeError(removed.error));
  }

  follow(listener: SpaceListener): Following {
    const { namespace, kind } = this.#options;
    const labelSelector = this.#selector();
    const follower = new KubeFollower({ namespace, labelSelector, kind }, listener, this.#deps);
    this.#followers.add(follower);
    follower.start();
    return {
      restart: () => follower.restart(),
      stop: async () => {
        this.#followers.delete(follower);
        await follower.stop();
      },
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    this.#followers.clear();
  }

  async #list(prefix: string): Promise<Result<readonly SpaceItem[], KubeError>> {
    const { namespace, kind } = this.#options;
    const group = groupOf(prefix);
    const isWholeGroup = prefix.length > group.length;
    const labelSelector = this.#selector() + (isWholeGroup ? `,${GROUP_LABEL}=${group}` : "");
    const items: SpaceItem[] = [];
    let continueToken: string | undefined;
    do {
      const query = {
        namespace,
        labelSelector,
        limit: PAGE,
        ...(continueToken !== undefined && { continueToken }),
      };
      const page = await this.#deps.client.list<KubeObject>(kind.resource, query, this.#call());
      if (!page.ok) return page;
      for (const object of page.value.items) {
        const item = toItem(kind, object);
        if (item !== undefined) items.push(item);
      }
      continueToken = page.value.continueToken;
    } while (continueToken !== undefined);
    return ok(items);
  }

  #selector(): string {
    return `${SPACE_LABEL}=${this.#options.space}`;
  }

  #ref(name: string): ObjectRef {
    const { kind, namespace } = this.#options;
    return { resource: kind.resource, namespace, name };
  }

  #call(): { readonly signal: AbortSignal; readonly timeoutMs: number } {
    return { signal: this.#closing.signal, timeoutMs: CALL_MS };
  }
}

function versionOf(object: KubeObject): SpaceVersion {
  return object.metadata.resourceVersion ?? "";
}

function fromKubeError({ kind, message }: KubeError): SpaceError {
  const text = `API server: ${message}`;
  switch (kind) {
    case "already-exists":
    case "conflict":
      return { kind: "conflict", text };
    case "no-such-resource":
      return { kind: "refused", text: `${text} (is the CRD of the hub installed?)` };
    case "forbidden":
    case "invalid":
    case "namespace-terminating":
      return { kind: "refused", text };
    case "not-found":
    case "gone":
    case "throttled":
    case "timeout":
    case "aborted":
      return { kind: "unavailable", text };
    case "unavailable":
      // The API server's own etcd is full: it says so with 500.
      return { kind: message.includes("space exceeded") ? "refused" : "unavailable", text };
  }
}
