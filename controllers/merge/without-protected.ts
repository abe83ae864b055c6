import { PROTECTED_KEY_PREFIXES } from "../../api/mcs/labels.ts";

/**
 * Exported keys that would overwrite our bookkeeping on the import neither travel nor, should a peer send them all
 * the same, arrive (IMP-24, SEC-06).
 */
export function withoutProtected(
  map: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(map ?? {}).filter(
      ([key]) => !PROTECTED_KEY_PREFIXES.some((prefix) => key.startsWith(prefix)),
    ),
  );
}
