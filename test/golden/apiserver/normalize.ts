/** What differs between two runs of one server: replaced by its name. */
const VOLATILE_KEYS: Readonly<Record<string, string>> = {
  uid: "<uid>",
  resourceVersion: "<rv>",
  continue: "<continue>",
  creationTimestamp: "<time>",
  deletionTimestamp: "<time>",
  expirationTimestamp: "<time>",
  time: "<time>",
  nodePort: "<node port>",
  healthCheckNodePort: "<node port>",
  serverAddress: "<address>",
};

const VOLATILE_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>"],
  [/\b10\.101\.(?!9\.9\b|7\.7\b)\d+\.\d+\b/g, "<cluster ip>"],
  [/\bgen-[a-z0-9]{5}\b/g, "gen-<suffix>"],
  [/^\d+(s|m|h|m\d+s)$/, "<age>"],
  [/match the ResourceVersion in record \(\d+\)/, "match the ResourceVersion in record (<rv>)"],
  [/resource version: (\d+), current: \d+/, "resource version: $1, current: <rv>"],
  [/resourceVersion: "\d+"/, 'resourceVersion: "<rv>"'],
  [/"?20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"?/g, "<time>"],
  [/80:3\d{4}/g, "80:<node port>"],
  [/hash=[0-9A-F]+/, "hash=<hash>"],
];

/** `value` with everything volatile replaced, so that two recordings can be compared. */
export function normalize(value: unknown, key = ""): unknown {
  const replacement = VOLATILE_KEYS[key];
  if (replacement !== undefined && (typeof value === "string" || typeof value === "number")) {
    return value === "" ? "" : replacement;
  }
  if (typeof value === "string") {
    return VOLATILE_TEXTS.reduce((text, [pattern, name]) => text.replace(pattern, name), value);
  }
  if (Array.isArray(value)) return value.map((item) => normalize(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    String(normalize(name)),
    normalize(inner, name),
  ]);
  return Object.fromEntries(entries);
}
