import type { KeyValue } from "../../../../api/etcd/etcd.gen.ts";
import type { SpaceItem } from "../space.ts";

/** Names of items as keys: behind a prefix. */
export class EtcdKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix.endsWith("/") ? prefix : `${prefix}/`;
  }

  encode(name: string): Buffer {
    return Buffer.from(this.#prefix + name);
  }

  /** All keys whose names begin so: from the first to the one that follows the last. */
  range(namePrefix: string): { readonly key: Buffer; readonly rangeEnd: Buffer } {
    const key = this.encode(namePrefix);
    const rangeEnd = Buffer.from(key);
    // Names and prefixes are ASCII: there is always a next byte.
    rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) ?? 0) + 1;
    return { key, rangeEnd };
  }

  name(key: Uint8Array): string {
    return Buffer.from(key).toString("utf8").slice(this.#prefix.length);
  }

  item({ key, value, modRevision }: KeyValue): SpaceItem {
    return { name: this.name(key), version: String(modRevision), data: value };
  }
}
