import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type RequestOp,
  type TxnResponse,
} from "../../../../api/etcd/etcd.gen.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
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
import type { EtcdClient } from "./etcd-client.ts";
import { fromGrpcError } from "./etcd-error.ts";
import { EtcdFollower } from "./etcd-follower.ts";
import { EtcdKeys } from "./etcd-keys.ts";
import { listItems } from "./list-items.ts";

export interface EtcdSpaceOptions {
  /** Every key begins with it: several spaces may share a cluster. */
  readonly prefix: string;
}

export interface EtcdSpaceDeps {
  /** Closed with the space. */
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const LIST_ATTEMPTS = 3;

/** A space as keys of an etcd cluster: conditions are transactions, versions are revisions, following is a watch. */
export class EtcdSpace implements Space {
  readonly #keys: EtcdKeys;
  readonly #deps: EtcdSpaceDeps;
  /** BOUNDED: by those who follow. */
  readonly #followers = new Set<EtcdFollower>();

  constructor({ prefix }: EtcdSpaceOptions, deps: EtcdSpaceDeps) {
    this.#keys = new EtcdKeys(prefix);
    this.#deps = deps;
  }

  async read(name: string): Promise<Result<SpaceItem | undefined, SpaceError>> {
    const key = this.#keys.encode(name);
    const range = { key, rangeEnd: Buffer.alloc(0), limit: 1, revision: 0 };
    const answer = await this.#deps.client.range(range);
    if (!answer.ok) return err(fromGrpcError(answer.error));
    const [found] = answer.value.response.kvs;
    return ok(found === undefined ? undefined : this.#keys.item(found));
  }

  async list(prefix: string): Promise<Result<readonly SpaceItem[], SpaceError>> {
    for (let attempt = 1; ; attempt++) {
      const listed = await listItems(this.#deps.client, this.#keys, prefix);
      if (listed.ok) return ok(listed.value.items);
      if (listed.error !== "compacted") return err(listed.error);
      if (attempt === LIST_ATTEMPTS) {
        return err({ kind: "unavailable", text: "etcd: history was dropped while it was listed" });
      }
    }
  }

  create(write: SpaceWrite): Promise<Result<SpaceVersion, SpaceError>> {
    return this.#put(write, 0);
  }

  replace(write: SpaceWrite, version: SpaceVersion): Promise<Result<SpaceVersion, SpaceError>> {
    return this.#put(write, Number(version));
  }

  async remove(name: string, version?: SpaceVersion): Promise<Result<void, SpaceError>> {
    const key = this.#keys.encode(name);
    const deletion: RequestOp = { request: { $case: "requestDeleteRange", value: { key } } };
    const expected = version === undefined ? undefined : Number(version);
    const removed = await this.#txn(name, deletion, expected);
    if (removed.ok || removed.error.kind !== "conflict")
      return removed.ok ? ok(undefined) : removed;
    const present = await this.read(name);
    return present.ok && present.value === undefined ? ok(undefined) : removed;
  }

  follow(listener: SpaceListener): Following {
    const follower = new EtcdFollower(listener, { ...this.#deps, keys: this.#keys });
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
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    this.#followers.clear();
    this.#deps.client.close();
  }

  async #put(
    { name, data }: SpaceWrite,
    revision: number,
  ): Promise<Result<SpaceVersion, SpaceError>> {
    const value = { key: this.#keys.encode(name), value: Buffer.from(data) };
    const put = await this.#txn(name, { request: { $case: "requestPut", value } }, revision);
    return put.ok ? ok(String(put.value.header?.revision ?? 0)) : put;
  }

  /** Does it if the key was last changed at that revision; 0: if it is absent. */
  async #txn(
    name: string,
    request: RequestOp,
    revision: number | undefined,
  ): Promise<Result<TxnResponse, SpaceError>> {
    const condition = {
      result: Compare_CompareResult.EQUAL,
      target: Compare_CompareTarget.MOD,
      key: this.#keys.encode(name),
      targetUnion: { $case: "modRevision" as const, value: revision ?? 0 },
    };
    const compare = revision === undefined ? [] : [condition];
    const answer = await this.#deps.client.txn({ compare, success: [request], failure: [] });
    if (!answer.ok) return err(fromGrpcError(answer.error));
    const { response, isRepeated } = answer.value;
    if (response.succeeded) return ok(response);
    const text = `etcd: ${name} must be of revision ${revision}: it is not`;
    return err({ kind: isRepeated ? "unavailable" : "conflict", text });
  }
}
