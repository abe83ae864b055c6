import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";

/** What an item of the space is, as its name says. */
export type ItemName =
  /** What stands for the beginning of a cluster's log. */
  | { readonly kind: "head"; readonly cluster: ClusterId }
  | { readonly kind: "log"; readonly cluster: ClusterId; readonly index: number }
  /** Stands for entries up to `covered`, together with other parts. */
  | { readonly kind: "part"; readonly cluster: ClusterId; readonly covered: number }
  | { readonly kind: "replica"; readonly id: string };

/** The one item that is not of an epoch: it says which epoch there is. */
export const META_NAME = "meta";
const DIGITS = 12;

/**
 * Names of the items of one epoch. The epoch is in each of them: a broker that still works on contents that have been
 * replaced cannot write into those that took their place.
 */
export class ItemNames {
  readonly #tag: string;

  /** @param epoch a UUID */
  constructor(epoch: string) {
    this.#tag = epoch
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, "")
      .slice(0, 12);
  }

  head(cluster: ClusterId): string {
    return `head.${this.#tag}.${cluster}`;
  }

  /** Indexes sort as text. */
  log(cluster: ClusterId, index: number): string {
    return `log.${this.#tag}.${cluster}.${padded(index)}`;
  }

  /** `unique` tells apart what several replicas write at once. */
  part(cluster: ClusterId, covered: number, unique: string): string {
    return `part.${this.#tag}.${cluster}.${padded(covered)}.${unique}`;
  }

  replica(id: string): string {
    return `replica.${this.#tag}.${id}`;
  }

  /** Of an epoch that is over. */
  isLeftover(name: string): boolean {
    const [kind = "", tag] = name.split(".");
    return ["head", "log", "part", "replica"].includes(kind) && tag !== this.#tag;
  }

  /** Undefined: not an item of this epoch and this version of the program. */
  parse(name: string): ItemName | undefined {
    const [kind, tag, third = "", fourth, ...rest] = name.split(".");
    if (tag !== this.#tag) return undefined;
    if (kind === "replica" && third !== "" && fourth === undefined) return { kind, id: third };
    const parsed = parseClusterId(third);
    if (!parsed.ok) return undefined;
    const cluster = parsed.value;
    if (kind === "head" && fourth === undefined) return { kind, cluster };
    if (fourth === undefined || !/^\d{12}$/.test(fourth)) return undefined;
    const index = Number(fourth);
    if (kind === "log" && rest.length === 0) return { kind, cluster, index };
    if (kind === "part" && rest.length === 1) return { kind, cluster, covered: index };
    return undefined;
  }
}

function padded(index: number): string {
  return String(index).padStart(DIGITS, "0");
}
