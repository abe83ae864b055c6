import { OPTION } from "../wire/dns-numbers.ts";
import type { AbsenceReason } from "../zone/find-name.ts";

/** Info codes of RFC 8914, section 5.2. */
const INFO = {
  other: 0,
  staleAnswer: 3,
  cachedError: 13,
  notReady: 14,
  prohibited: 18,
  staleNxdomain: 19,
  notAuthoritative: 20,
  notSupported: 21,
  noReachableAuthority: 22,
} as const;

/** A whole option for OPT, made once: code, size, info code, text. */
export type ExtendedError = Buffer;

/** Longest text, so that an answer of any name keeps room for it. */
const TEXT_BYTES_MAX = 60;

function extendedError(infoCode: number, text: string): ExtendedError {
  const option = Buffer.alloc(6 + Math.min(text.length, TEXT_BYTES_MAX));
  option.writeUInt16BE(OPTION.EXTENDED_ERROR, 0);
  option.writeUInt16BE(option.length - 4, 2);
  option.writeUInt16BE(infoCode, 4);
  option.write(text, 6, "latin1");
  return option;
}

/**
 * Why there is no answer, in words that `dig` prints (RFC 8914). The texts hold no part of the question: the client knows
 * it, and what strangers chose is not repeated.
 */
export const EXTENDED_ERRORS = {
  notSynced: extendedError(INFO.notReady, "not synced: the first zone is still being built"),
  notInZone: extendedError(INFO.notAuthoritative, "no name of this server's zone"),
  wrongClass: extendedError(INFO.notSupported, "no class but IN"),
  prohibited: extendedError(INFO.prohibited, "not allowed from this address"),
  outsideSlice: extendedError(INFO.prohibited, "namespace is of a slice that the client is not in"),
  noUpstream: extendedError(INFO.noReachableAuthority, "no upstream resolver answered"),
  upstreamFailed: extendedError(INFO.cachedError, "upstream resolvers failed a moment ago"),
  staleAnswer: extendedError(INFO.staleAnswer, "upstream resolvers fail: last known answer"),
  staleDenial: extendedError(INFO.staleNxdomain, "upstream resolvers fail: last known answer"),
  noTransfer: extendedError(INFO.notSupported, "no zone transfers"),
  noAddress: extendedError(INFO.other, "service has no clusterset IP yet"),
} as const;

/** By the reason for which the zone does not have a name. */
export const ABSENCE_ERRORS: Readonly<Record<AbsenceReason, ExtendedError>> = {
  "unknown-name": extendedError(INFO.other, "no such name in the zone"),
  "unknown-namespace": extendedError(INFO.other, "namespace unknown in this cluster"),
  "unknown-service": extendedError(INFO.other, "no service of this name is imported"),
  "no-ready-endpoint": extendedError(INFO.other, "no ready endpoint"),
  "unknown-part": extendedError(INFO.other, "service has no such port or ready endpoint"),
};
