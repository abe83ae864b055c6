import type { Kind, KindVersion } from "../kinds/kind.ts";

export interface ServedKind {
  readonly kind: Kind;
  readonly version: KindVersion;
}

/** The kinds served now: the built-in ones, and those that CustomResourceDefinitions add and take away. */
export class KindRegistry {
  readonly #builtin: readonly Kind[];
  /** By the name of the definition. BOUNDED: by the CustomResourceDefinitions stored. */
  readonly #custom = new Map<string, Kind>();
  #generation = 0;

  constructor(builtin: readonly Kind[]) {
    this.#builtin = builtin;
  }

  /** Grows with each change, so that what is computed from the kinds can be kept. */
  get generation(): number {
    return this.#generation;
  }

  all(): readonly Kind[] {
    return [...this.#builtin, ...this.#custom.values()];
  }

  custom(definition: string): Kind | undefined {
    return this.#custom.get(definition);
  }

  setCustom(definition: string, kind: Kind): void {
    this.#custom.set(definition, kind);
    this.#generation += 1;
  }

  removeCustom(definition: string): void {
    if (this.#custom.delete(definition)) this.#generation += 1;
  }

  /** The resource at a URL. */
  find(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#served(group, version, (kind) => kind.plural === plural);
  }

  findKind(group: string, version: string, kindName: string): ServedKind | undefined {
    return this.#served(group, version, (kind) => kind.kind === kindName);
  }

  /** Kinds whose objects are stored under `collection`; the first is the one that owns the storage. */
  ofCollection(collection: string): Kind | undefined {
    const stored = this.all().filter((kind) => collectionOf(kind) === collection);
    return stored.find((kind) => kind.group === kind.storage.group) ?? stored[0];
  }

  #served(
    group: string,
    version: string,
    accepts: (kind: Kind) => boolean,
  ): ServedKind | undefined {
    for (const kind of this.all()) {
      if (kind.group !== group || !accepts(kind)) continue;
      const found = kind.versions.find((one) => one.name === version && one.served);
      if (found !== undefined) return { kind, version: found };
    }
    return undefined;
  }
}

/** Name of the store's collection that holds a kind. */
export function collectionOf(kind: Kind): string {
  return collectionName(kind.storage.group, kind.storage.plural);
}

export function collectionName(group: string, plural: string): string {
  return `${group}/${plural}`;
}

export function apiVersionOf(kind: Kind, version: KindVersion): string {
  return kind.group === "" ? version.name : `${kind.group}/${version.name}`;
}

export function storageVersionOf(kind: Kind): KindVersion | undefined {
  return kind.versions.find((version) => version.storage) ?? kind.versions[0];
}
