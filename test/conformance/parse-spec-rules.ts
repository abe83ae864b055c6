export interface SpecRule {
  readonly id: string;
  readonly level: string;
}

const AREAS = "EXP|IMP|CON|EPS|VIP|HDL|DNS|CLN|CID|SEC|SCL|VER";
/** `- **EXP-01 MUST** ...`, `- **DNS-30 MUST NOT**`, `- **CON-24 ADV - how ...**`, `- **DNS-05** ...`. */
const RULE = new RegExp(`^- \\*\\*((?:${AREAS})-\\d+)(?: (MUST-C|MUST|SHOULD|MAY|ADV)\\b)?`, "gm");

/** Rules of the requirements with their levels; `MUST NOT` counts as MUST. */
export function parseSpecRules(text: string): readonly SpecRule[] {
  // The requirements write ids with hyphens that do not break (U+2011).
  const plain = text.replaceAll("\u2011", "-");
  return [...plain.matchAll(RULE)].map(([, id = "", level = "none"]) => ({ id, level }));
}
