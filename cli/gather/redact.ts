import { isRecord } from "../../api/json.ts";
/** Put in the place of what nobody else may see. */
export const REDACTED = "[redacted]";

/** Names of fields, flags and variables whose values are secrets, whatever they hold. */
const SECRET_NAME =
  /(password|passwd|secret|token|private.?key|preshared.?key|api.?key|client-key-data|authorization|cookie|credential)/i;
/** These only name a place. */
const REFERENCE_NAME = /(name|ref|mount|selector|file|dir|path|namespace)s?$/i;
/** So does `namespace/name` in what is called a Secret. */
const SECRET_PLACE = /^"?[a-z0-9-]+\/[a-z0-9.-]+"?$/;

/** `--flag`, without its value. */
const FLAG = /^--([\w-]+)$/;

const IN_TEXT: readonly (readonly [RegExp, string | ((...found: string[]) => string)])[] = [
  [/-----BEGIN ([A-Z ]*PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END \1-----|$)/g, REDACTED],
  // One whose beginning was cut off with the lines before.
  [/(^|\n)(?:[A-Za-z0-9+/=]{1,76}\r?\n)*-----END [A-Z ]*PRIVATE KEY-----/g, `$1${REDACTED}`],
  // The same in base64, as kubeconfigs and Secrets have it.
  [/\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}={0,2}/g, (text = "") => (isKey(text) ? REDACTED : text)],
  [/isthmus-join\.[\w.:\-[\]]+/g, `isthmus-join.${REDACTED}`],
  // A JSON Web Token: service accounts have them.
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, REDACTED],
  // Headers, to the end of their line.
  [/\b((?:set-)?cookie|(?:proxy-)?authorization)("?\s*:\s*)[^\r\n"]+/gi, `$1$2${REDACTED}`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  // user:password@ of a URL.
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*:)[^\s/@"]+@/gi, `$1${REDACTED}@`],
  [
    /([\w. -]{0,40}(?:password|passwd|secret|token|private[_ -]?key|preshared[_ -]?key|api[_ -]?key|client-key-data|credential)[\w.-]{0,40})(\\?"?\s*[:=]\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"|[^\s,}"]+)/gi,
    (all = "", name = "", between = "", value = "") =>
      isSecret(name, value) ? `${name}${between}"${REDACTED}"` : all,
  ],
];

function isSecret(name: string, value: string): boolean {
  if (!SECRET_NAME.test(name) || REFERENCE_NAME.test(name)) return false;
  return !(/secret$/i.test(name) && SECRET_PLACE.test(value));
}

function isKey(base64: string): boolean {
  return Buffer.from(base64, "base64").toString("latin1").includes("PRIVATE KEY");
}

/** Keys, tokens and passwords taken out of a text: a log, a config, a field of an object. */
export function redactText(text: string): string {
  return IN_TEXT.reduce(
    (rest, [pattern, by]) =>
      typeof by === "string" ? rest.replace(pattern, by) : rest.replace(pattern, by),
    text,
  );
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
  if (Array.isArray(value)) {
    // `["--password", "hunter2"]`
    return value.map((entry: unknown, index) =>
      isOfSecretFlag(value[index - 1], entry) ? REDACTED : redactEntry(entry),
    );
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "managedFields");
  return Object.fromEntries(
    entries.map(([key, inner]) => {
      // An annotation of kubectl holds the whole object again, as text.
      const isCopy = key === "kubectl.kubernetes.io/last-applied-configuration";
      const isHidden = isCopy || (typeof inner === "string" && isSecret(key, inner));
      return [key, isHidden ? REDACTED : redactValue(inner)] as const;
    }),
  );
}

/** `{ name: "DB_PASSWORD", value: "..." }`, as containers have their variables. */
function redactEntry(entry: unknown): unknown {
  const isVariable = isRecord(entry) && typeof entry["name"] === "string" && "value" in entry;
  if (isVariable && SECRET_NAME.test(String(entry["name"]))) return { ...entry, value: REDACTED };
  return redactValue(entry);
}

function isOfSecretFlag(before: unknown, entry: unknown): boolean {
  const name = typeof before === "string" ? FLAG.exec(before)?.[1] : undefined;
  return name !== undefined && typeof entry === "string" && isSecret(name, entry);
}

function emptied(data: unknown): unknown {
  if (!isRecord(data)) return undefined;
  return Object.fromEntries(Object.keys(data).map((key) => [key, REDACTED]));
}
