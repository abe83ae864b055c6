/** Put in the place of what nobody else may see. */
export const REDACTED = "[redacted]";

/** Names of fields and variables whose values are secrets, whatever they hold. */
const SECRET_NAME = /(password|passwd|secret|token|private.?key|authorization|cookie|credential)/i;
/** These only name a place. */
const REFERENCE_NAME = /(name|ref|mount|selector|file|dir|path|secret)s?$/i;

const IN_TEXT: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, REDACTED],
  [/isthmus-join\.[\w.:\-[\]]+/g, `isthmus-join.${REDACTED}`],
  // A JSON Web Token: service accounts have them.
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, REDACTED],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [
    /("?(?:password|secret|token|private_?key|privateKey)"?\s*[:=]\s*)("[^"]*"|[^\s,}"]+)/gi,
    `$1"${REDACTED}"`,
  ],
];

/** Keys, tokens and passwords taken out of a text: a log, a config, a field of an object. */
export function redactText(text: string): string {
  return IN_TEXT.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text);
}

/** An object as it may be shown. Of a Secret only the names of its keys stay; managedFields go, they are noise. */
export function redactObject(value: unknown): unknown {
  if (isRecord(value) && value["kind"] === "Secret") {
    return redactValue({
      ...value,
      data: emptied(value["data"]),
      stringData: emptied(value["stringData"]),
    });
  }
  return redactValue(value);
}

function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redactEntry);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "managedFields");
  return Object.fromEntries(
    entries.map(([key, inner]) => {
      const isSecret =
        typeof inner === "string" && SECRET_NAME.test(key) && !REFERENCE_NAME.test(key);
      // An annotation of kubectl holds the whole object again, as text.
      const isCopy = key === "kubectl.kubernetes.io/last-applied-configuration";
      return [key, isSecret || isCopy ? REDACTED : redactValue(inner)] as const;
    }),
  );
}

/** `{ name: "DB_PASSWORD", value: "..." }`, as containers have their variables. */
function redactEntry(entry: unknown): unknown {
  const isVariable = isRecord(entry) && typeof entry["name"] === "string" && "value" in entry;
  if (isVariable && SECRET_NAME.test(String(entry["name"]))) return { ...entry, value: REDACTED };
  return redactValue(entry);
}

function emptied(data: unknown): unknown {
  if (!isRecord(data)) return undefined;
  return Object.fromEntries(Object.keys(data).map((key) => [key, REDACTED]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
