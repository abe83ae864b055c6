import type { Random } from "../../../runtime/random/random.ts";
import { ClientAffinity, type StickyClient } from "./client-affinity.ts";
import type { Candidate } from "./export-book.ts";

/** So many failures in a row eject an endpoint. */
const EJECT_AFTER = 3;
const EJECT_FIRST_MS = 5_000;
const EJECT_MAX_MS = 60_000;
/** Endpoints that are remembered, and clients that are to come back to one. */
const REMEMBERED_MAX = 20_000;

interface Memory {
  active: number;
  failuresInRow: number;
  ejections: number;
  ejectedUntilMs: number;
}

interface OrderOptions {
  /** Undefined: any endpoint will do. */
  readonly sticky?: StickyClient | undefined;
  /** @default all */
  readonly limit?: number;
}

interface Rank {
  readonly candidate: Candidate;
  readonly isEjected: boolean;
  readonly weight: number;
  readonly lot: number;
}

function isBefore(a: Rank, b: Rank | undefined): boolean {
  if (b === undefined) return true;
  if (a.isEjected !== b.isEjected) return b.isEjected;
  return a.weight === b.weight ? a.lot < b.lot : a.weight < b.weight;
}

/**
 * Which endpoint to dial next. Time is an input.
 *
 * BOUNDED: endpoints and clients by `rememberedMax`; endpoints in use, which the streams bound, are never forgotten.
 */
export class EndpointBalance {
  readonly #random: Random;
  readonly #rememberedMax: number;
  readonly #memory = new Map<string, Memory>();
  readonly #affinity: ClientAffinity;

  constructor(random: Random, rememberedMax = REMEMBERED_MAX) {
    this.#random = random;
    this.#rememberedMax = rememberedMax;
    this.#affinity = new ClientAffinity(rememberedMax);
  }

  /**
   * The first `limit` in the order in which they should be tried: fewest connections first, drawn by lot among equals; a sticky client
   * comes back to where it was lately, else always the same order for the same client and endpoints. Endpoints that are not ready
   * are left out, unless none is: then those that still serve. Ejected ones come last: a guess is better than nothing.
   */
  order(
    candidates: readonly Candidate[],
    nowMs: number,
    { sticky, limit = candidates.length }: OrderOptions = {},
  ): readonly Candidate[] {
    const isAnyReady = candidates.some(({ isReady }) => isReady);
    const last = sticky && this.#affinity.endpointOf(sticky, nowMs);
    const best: Rank[] = [];
    for (const candidate of candidates) {
      if (isAnyReady ? !candidate.isReady : !candidate.isServing) continue;
      const rank = this.#rank(candidate, nowMs, { sticky, last });
      let at = best.length;
      while (at > 0 && isBefore(rank, best[at - 1])) at -= 1;
      if (at === limit) continue;
      best.splice(at, 0, rank);
      if (best.length > limit) best.pop();
    }
    return best.map(({ candidate }) => candidate);
  }

  #rank(
    candidate: Candidate,
    nowMs: number,
    {
      sticky,
      last,
    }: { readonly sticky: StickyClient | undefined; readonly last: string | undefined },
  ): Rank {
    const { key } = candidate;
    const memory = this.#memory.get(key);
    const isEjected = (memory?.ejectedUntilMs ?? 0) > nowMs;
    const lot = this.#random.next();
    if (sticky === undefined) return { candidate, isEjected, weight: memory?.active ?? 0, lot };
    const weight = key === last ? -1 : rendezvous(sticky.address, key);
    return { candidate, isEjected, weight, lot };
  }

  started(candidate: Candidate): void {
    this.#of(candidate).active += 1;
  }

  ended(candidate: Candidate): void {
    const memory = this.#of(candidate);
    memory.active = Math.max(0, memory.active - 1);
  }

  /** It took a connection; a sticky client comes back to it. */
  succeeded(candidate: Candidate, nowMs: number, sticky?: StickyClient): void {
    if (sticky !== undefined) this.#affinity.connected(sticky, candidate, nowMs);
    const memory = this.#of(candidate);
    memory.failuresInRow = 0;
    memory.ejections = 0;
    memory.ejectedUntilMs = 0;
  }

  /** True: it is ejected now. */
  failed(candidate: Candidate, nowMs: number): boolean {
    const memory = this.#of(candidate);
    memory.failuresInRow += 1;
    if (memory.failuresInRow < EJECT_AFTER) return false;
    memory.failuresInRow = 0;
    memory.ejectedUntilMs = nowMs + Math.min(EJECT_MAX_MS, EJECT_FIRST_MS * 2 ** memory.ejections);
    memory.ejections = Math.min(10, memory.ejections + 1);
    return true;
  }

  #of(candidate: Candidate): Memory {
    const { key } = candidate;
    const known = this.#memory.get(key);
    if (known !== undefined) return known;
    if (this.#memory.size >= this.#rememberedMax) this.#forget();
    const memory = { active: 0, failuresInRow: 0, ejections: 0, ejectedUntilMs: 0 };
    this.#memory.set(key, memory);
    return memory;
  }

  #forget(): void {
    for (const [key, { active }] of this.#memory) {
      if (active === 0) this.#memory.delete(key);
    }
  }
}

/** Highest random weight: losing or gaining an endpoint moves only the clients that were, or now are, its own. FNV-1a, mixed. */
function rendezvous(client: Uint8Array, key: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of client) hash = Math.imul(hash ^ byte, 0x0100_0193);
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
