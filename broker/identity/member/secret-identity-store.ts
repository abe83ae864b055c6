import { SECRETS, type Secret } from "../../../api/kube/secret.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../../api/mcs/labels.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient, ObjectRef } from "../../../runtime/kube/kube-client.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { MemberIdentity, MemberMaterial } from "./member-identity.ts";
import { decodeIdentity, encodeIdentity } from "./stored-identity.ts";

const IDENTITY = "member-identity.json";
const JOIN_KEY = "join-key.pem";

export interface SecretIdentityOptions {
  readonly namespace: string;
  readonly name: string;
}

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/**
 * One Secret in the member's own cluster: replicas of the controllers share it, and a pod that moves to another node keeps
 * who it is. What else somebody put into the Secret stays.
 */
export class SecretIdentityStore implements IdentityStore {
  readonly #target: ObjectRef & { readonly namespace: string };
  readonly #deps: Deps;

  constructor({ namespace, name }: SecretIdentityOptions, deps: Deps) {
    this.#target = { resource: SECRETS, namespace, name };
    this.#deps = deps;
  }

  async load(): Promise<Result<MemberIdentity | undefined, string>> {
    const text = await this.#read(IDENTITY);
    if (!text.ok || text.value === undefined) return text.ok ? ok(undefined) : text;
    const identity = decodeIdentity(text.value, this.#deps.clock.nowMs());
    return identity.ok ? identity : err(`${identity.error} (${this.#place()})`);
  }

  save(material: MemberMaterial): Promise<Result<undefined, string>> {
    return this.#write({ [IDENTITY]: encodeIdentity(material), [JOIN_KEY]: undefined });
  }

  async remove(): Promise<Result<undefined, string>> {
    const { client, signal } = this.#deps;
    const removed = await client.delete(this.#target, {}, { signal });
    return removed.ok || removed.error.kind === "not-found"
      ? ok(undefined)
      : err(`cannot remove member identity: ${removed.error.message} (${this.#place()})`);
  }

  loadJoinKey(): Promise<Result<string | undefined, string>> {
    return this.#read(JOIN_KEY);
  }

  saveJoinKey(keyPem: string): Promise<Result<undefined, string>> {
    return this.#write({ [JOIN_KEY]: keyPem });
  }

  async #read(key: string): Promise<Result<string | undefined, string>> {
    const { client, signal } = this.#deps;
    const got = await client.get<Secret>(this.#target, { signal });
    if (!got.ok) {
      if (got.error.kind === "not-found") return ok(undefined);
      return err(`cannot read member identity: ${got.error.message} (${this.#place()})`);
    }
    const value = got.value.data?.[key];
    return ok(value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8"));
  }

  /** Undefined removes a key. One request, so that a crash leaves the old state or the new. */
  async #write(
    entries: Readonly<Record<string, string | undefined>>,
  ): Promise<Result<undefined, string>> {
    const { client, signal } = this.#deps;
    const data = Object.fromEntries(
      Object.entries(entries).map(([key, text]) => [
        key,
        text === undefined ? null : Buffer.from(text).toString("base64"),
      ]),
    );
    const patched = await client.mergePatch(this.#target, { data }, { signal });
    if (patched.ok) return ok(undefined);
    if (patched.error.kind !== "not-found") return this.#notWritten(patched.error.message);
    const created = await client.create(SECRETS, this.#new(data), { signal });
    return created.ok ? ok(undefined) : this.#notWritten(created.error.message);
  }

  #new(entries: Readonly<Record<string, string | null>>): Secret {
    const { namespace, name } = this.#target;
    const data: Record<string, string> = {};
    for (const [key, value] of Object.entries(entries)) if (value !== null) data[key] = value;
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
      type: "isthmus.dev/member-identity",
      data,
    };
  }

  #notWritten(message: string): Result<undefined, string> {
    return err(`cannot write member identity: ${message} (${this.#place()})`);
  }

  #place(): string {
    return `Secret ${this.#target.namespace}/${this.#target.name}`;
  }
}
