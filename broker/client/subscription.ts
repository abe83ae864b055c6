import type { Subscribe } from "../../api/broker/broker.gen.ts";
import { NO_NAMESPACE } from "../../api/broker/row.ts";
import type { MirrorScope } from "./mirror.ts";

/** Names in one message: 65 bytes each at most, so that Hello with its known owners stays below the message limit. */
const NAMES_PER_MESSAGE = 8000;

/** Which namespaces are wanted, which the broker has been told, and which it has delivered. */
export class Subscription implements MirrorScope {
  /** The mirror's versions speak for network rows too. */
  #areNetworksDelivered = false;
  /** Network rows in this stream: the broker has none of them, is to send them whole, or sends what changes. */
  #networks: "none" | "asked" | "followed" = "none";
  #holdsRows = false;
  /** BOUNDED: by the cluster's namespaces; the broker refuses more than LIMITS.namespacesPerMember. */
  #wanted: ReadonlySet<string> = new Set();
  #isKnown = false;
  /** Namespaces that the mirror's versions speak for. BOUNDED: as wanted. */
  readonly #delivered = new Set<string>();
  /** Given up since the broker was last told, wanted again or not: its rows are no longer here. BOUNDED: by #told. */
  readonly #dropped = new Set<string>();
  /** Kept from this member by the hub's policy in this stream: delivered, but not to be built upon. BOUNDED: by #told. */
  readonly #denied = new Set<string>();
  /** Told to the broker in this stream, with the generation that did; undefined between streams. BOUNDED: as wanted. */
  #told: Map<string, number> | undefined;
  #generation = 0;
  #deliveredGeneration = -1;

  /** The set has been given at least once: before that nothing is asked, since an empty answer would mean nothing. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Of an earlier process: what its versions speak for, whether wanted now or not. Before anything else. */
  restore(delivered: readonly string[]): void {
    for (const name of delivered) this.#delivered.add(name);
  }

  /** For `restore` of the next process. */
  get delivered(): ReadonlySet<string> {
    return this.#delivered;
  }

  /** Returns the namespaces that are no longer wanted. */
  want(namespaces: ReadonlySet<string>): ReadonlySet<string> {
    const dropped = new Set([...this.#wanted].filter((name) => !namespaces.has(name)));
    for (const name of dropped) {
      this.#delivered.delete(name);
      this.#denied.delete(name);
      if (this.#told?.has(name) === true) this.#dropped.add(name);
    }
    this.#wanted = new Set(namespaces);
    this.#isKnown = true;
    return dropped;
  }

  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  wants(namespace: string): boolean {
    return namespace === NO_NAMESPACE || this.#wanted.has(namespace);
  }

  /** For Hello: what is said to be known includes network rows. */
  get areNetworksKnown(): boolean {
    return this.#areNetworksDelivered;
  }

  /**
   * Welcome says whether network rows travel in this stream. A broker that does not know them moves the versions on
   * without them, so that later nothing can be built on those.
   */
  welcomed(hasNetworks: boolean): void {
    const isWhole = this.#areNetworksDelivered || !this.#holdsRows;
    this.#areNetworksDelivered = hasNetworks && isWhole;
    if (!hasNetworks) this.#networks = "none";
    else this.#networks = isWhole ? "followed" : "asked";
  }

  /** The broker's whole resets in this stream cover the namespace for certain. */
  isSettled(namespace: string): boolean {
    if (namespace === NO_NAMESPACE) return this.#networks === "followed";
    const generation = this.#told?.get(namespace);
    return generation !== undefined && generation <= Math.max(0, this.#deliveredGeneration);
  }

  /** True when everything wanted has been delivered in this stream. */
  get isDelivered(): boolean {
    if (this.#told === undefined || this.#deliveredGeneration < this.#generation) return false;
    return this.#told.size === this.#wanted.size && this.#dropped.size === 0;
  }

  /**
   * Namespaces for Hello. A member that holds rows names only those that its versions speak for; the
   * others follow by `changes`. Whatever owner is completed in the new stream is whole in all of these.
   */
  begin(holdsRows: boolean): readonly string[] {
    this.#holdsRows = holdsRows;
    const names = [...this.#wanted].filter((name) => !holdsRows || this.#delivered.has(name));
    const first = names.slice(0, NAMES_PER_MESSAGE);
    this.#told = new Map(first.map((name) => [name, 0]));
    this.#dropped.clear();
    this.#denied.clear();
    this.#delivered.clear();
    for (const name of first) this.#delivered.add(name);
    this.#generation = 0;
    this.#deliveredGeneration = -1;
    return first;
  }

  end(): void {
    this.#told = undefined;
    this.#networks = "none";
  }

  /**
   * The hub's policy keeps rows of these from this member. In the next stream they are asked for anew, and sent in whole if
   * they are allowed by then.
   */
  deny(namespaces: readonly string[]): void {
    for (const name of namespaces) {
      if (this.#told?.has(name) !== true) continue;
      this.#denied.add(name);
      this.#delivered.delete(name);
    }
  }

  /** The broker has delivered everything up to this generation. */
  noteDelivered(generation: number): void {
    this.#deliveredGeneration = Math.max(this.#deliveredGeneration, generation);
    if (this.#networks === "asked") {
      this.#networks = "followed";
      this.#areNetworksDelivered = true;
    }
    for (const [name, told] of this.#told ?? []) {
      if (told > generation || this.#dropped.has(name) || this.#denied.has(name)) continue;
      if (this.#wanted.has(name)) this.#delivered.add(name);
    }
  }

  /** What the broker is still to be told. Counts as told once returned. */
  changes(): readonly Subscribe[] {
    const told = this.#told;
    if (told === undefined) return [];
    const again = this.#dropped;
    const remove = [...told.keys()].filter((name) => !this.#wanted.has(name) || again.has(name));
    const add = [...this.#wanted].filter((name) => !told.has(name) || again.has(name));
    again.clear();
    const messages: Subscribe[] = [];
    // Removals first: the broker takes a name that is in both out before it puts it in again.
    for (let at = 0; at < remove.length + add.length; at += NAMES_PER_MESSAGE) {
      const end = at + NAMES_PER_MESSAGE;
      const adds = add.slice(Math.max(0, at - remove.length), Math.max(0, end - remove.length));
      const removes = remove.slice(at, end);
      const message = { add: adds, remove: removes, generation: ++this.#generation };
      for (const name of removes) told.delete(name);
      for (const name of adds) told.set(name, message.generation);
      messages.push(message);
    }
    return messages;
  }
}
