import {
  doubtOutcome,
  type MtuDoubt,
  type MtuFate,
  nextPairMs,
  SAFE_BYTES,
  startDoubt,
  withMtuFate,
  withPair,
} from "./mtu-doubt.ts";
import type { MtuSettings } from "./probe-settings.ts";

/**
 * The search for the largest packet that a path answers whole. `fits` is proven; `tooLarge` was lost; between them the truth
 * is looked for, usual sizes first.
 */
export interface MtuSearch {
  /** Bytes; undefined before anything was tried. */
  readonly fits: number | undefined;
  /** Bytes, above which nothing is tried. */
  readonly tooLarge: number;
  /** The size that is tried now and how often it was lost; undefined: the search rests. */
  readonly trying: { readonly bytes: number; readonly losses: number } | undefined;
  /** What fitted was lost; nothing else is tried until it is known why. */
  readonly doubt: MtuDoubt | undefined;
  /** When the search goes on, monotonic milliseconds. */
  readonly nextMs: number;
  /** When a larger size is looked for again, monotonic milliseconds. */
  readonly growMs: number;
  /** What is told: the last size a search ended with, or a smaller one that is known to fit while another is looked for. */
  readonly found: number | undefined;
}

/** A lost packet may be lost for any reason; so many of one size in a row are too large. */
const LOSSES_OF_ONE_SIZE = 3;
/** How long a search rests where not even the least passes. */
const HOPELESS_MS = 10_000;
/** Ethernet, and what is left of it inside VXLAN, WireGuard, both, PPPoE and IPv6's least. */
const USUAL = [9_000, 8_950, 1_500, 1_492, 1_450, 1_430, 1_420, 1_400, 1_370, 1_340, 1_280];

export function startMtuSearch(settings: MtuSettings, nowMs: number): MtuSearch {
  const tooLarge = settings.mostBytes + 1;
  const growMs = nowMs + settings.growMs;
  const trying = { bytes: settings.mostBytes, losses: 0 };
  return {
    ...{ fits: undefined, tooLarge, trying, doubt: undefined },
    ...{ nextMs: nowMs, growMs, found: undefined },
  };
}

/** The outcome of one packet. */
export function noteMtuFate(settings: MtuSettings, search: MtuSearch, fate: MtuFate): MtuSearch {
  const { trying, doubt } = search;
  if (doubt !== undefined) return noteInDoubt(settings, search, withMtuFate(doubt, fate), fate);
  if (trying === undefined || trying.bytes !== fate.bytes) return search;
  if (fate.isAnswered) return goOn(settings, { ...search, fits: fate.bytes }, fate.nowMs);
  const losses = trying.losses + 1;
  if (losses >= LOSSES_OF_ONE_SIZE) return tooLargeNow(settings, search, fate);
  const fitted = search.fits === fate.bytes && search.found === fate.bytes;
  const begun = fitted && losses === 1 ? startDoubt(fate.bytes, fate.nowMs) : undefined;
  return begun === undefined
    ? { ...search, trying: { bytes: fate.bytes, losses } }
    : { ...search, trying: undefined, doubt: begun };
}

function noteInDoubt(
  settings: MtuSettings,
  search: MtuSearch,
  doubt: MtuDoubt,
  fate: MtuFate,
): MtuSearch {
  const { bytes } = doubt;
  const after = { ...search, doubt: undefined };
  switch (doubtOutcome(doubt, fate)) {
    case "open":
      return { ...search, doubt };
    case "fits":
      return { ...after, nextMs: fate.nowMs + settings.verifyMs };
    case "too large":
      return goOn(
        settings,
        { ...after, fits: SAFE_BYTES, tooLarge: Math.min(search.tooLarge, bytes) },
        fate.nowMs,
      );
    case "nothing passes":
      // Perhaps the path carries still less: one size after the other.
      return { ...after, trying: { bytes, losses: 1 } };
    case "unclear":
      return noteLossOfAll(search);
  }
}

/** A pair of packets was sent. */
export function notePair(search: MtuSearch, nowMs: number): MtuSearch {
  const { doubt } = search;
  return doubt === undefined ? search : { ...search, doubt: withPair(doubt, nowMs) };
}

/** Packets of every size are being lost: what was thought of one proves nothing, and is looked at anew. */
export function noteLossOfAll(search: MtuSearch): MtuSearch {
  const { doubt } = search;
  return doubt === undefined
    ? search
    : { ...search, doubt: undefined, trying: { bytes: doubt.bytes, losses: 0 } };
}

/** The machine itself cannot send so much: there is nothing to repeat. */
export function noteTooLarge(
  settings: MtuSettings,
  search: MtuSearch,
  fate: { readonly bytes: number; readonly nowMs: number },
): MtuSearch {
  const asked = search.doubt ?? search.trying;
  if (asked?.bytes !== fate.bytes) return search;
  return tooLargeNow(settings, { ...search, doubt: undefined }, fate);
}

/** Time goes on, and nothing is under way: what was found is tried again, and now and then something larger. */
export function wakeMtuSearch(settings: MtuSettings, search: MtuSearch, nowMs: number): MtuSearch {
  const { trying, doubt } = search;
  if (doubt !== undefined) {
    // All were sent, and of some nobody remembers what became of them.
    return nextPairMs(doubt) === undefined ? noteLossOfAll(search) : search;
  }
  if (trying !== undefined || nowMs < search.nextMs) return search;
  if (search.fits === undefined || nowMs >= search.growMs) {
    const { fits, found } = search;
    return { ...startMtuSearch(settings, nowMs), fits, found };
  }
  return { ...search, trying: { bytes: search.fits, losses: 0 } };
}

/** What fitted once may do so no longer: everything below is open again. */
function tooLargeNow(
  settings: MtuSettings,
  search: MtuSearch,
  { bytes, nowMs }: { readonly bytes: number; readonly nowMs: number },
): MtuSearch {
  const fits = search.fits !== undefined && search.fits >= bytes ? undefined : search.fits;
  return goOn(settings, { ...search, fits, tooLarge: Math.min(search.tooLarge, bytes) }, nowMs);
}

function goOn(settings: MtuSettings, before: MtuSearch, nowMs: number): MtuSearch {
  const hasShrunk = before.found !== undefined && before.found >= before.tooLarge;
  // Packets are lost meanwhile: something that fits is told as soon as it is known, what fits exactly later.
  const search =
    hasShrunk && before.fits !== undefined ? { ...before, found: before.fits } : before;
  const low = search.fits ?? settings.leastBytes - 1;
  if (search.tooLarge - low <= 1) {
    // Not even the least passes: the path is broken for large packets, and nothing is claimed.
    const restMs = search.fits === undefined ? HOPELESS_MS : settings.verifyMs;
    return { ...search, trying: undefined, found: search.fits, nextMs: nowMs + restMs };
  }
  if (hasShrunk && search.fits === undefined) {
    const isOpen = SAFE_BYTES > low && SAFE_BYTES < search.tooLarge;
    return {
      ...search,
      trying: { bytes: isOpen ? SAFE_BYTES : settings.leastBytes, losses: 0 },
    };
  }
  const usual = USUAL.find((bytes) => bytes < search.tooLarge && bytes > low);
  const bytes = usual ?? Math.floor((low + search.tooLarge) / 2);
  return { ...search, trying: { bytes, losses: 0 } };
}
