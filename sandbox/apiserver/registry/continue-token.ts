import { err, ok, type Result } from "../../../api/result.ts";

/** Where the next page of a list starts; -1 as revision stands for "whatever is newest". */
export interface ContinueToken {
  readonly revision: number;
  /** First key of the next page, relative to the collection or namespace listed. */
  readonly start: string;
}

const VERSION = "meta.k8s.io/v1";
export const INCONSISTENT_REVISION = -1;

/** Opaque to clients; the same form as the real server's. */
export function encodeContinueToken(token: ContinueToken): string {
  const json = JSON.stringify({ v: VERSION, rv: token.revision, start: token.start });
  return Buffer.from(json, "utf8").toString("base64url");
}

export function parseContinueToken(text: string): Result<ContinueToken, string> {
  const bytes = Buffer.from(text, "base64url");
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8"));
  } catch {
    return err(invalidKey(jsonComplaint(bytes)));
  }
  if (typeof parsed !== "object" || parsed === null) {
    return err(invalidKey("must be an object"));
  }
  const { v, rv, start } = parsed as Readonly<Record<string, unknown>>;
  if (v !== VERSION) return err(invalidKey("server does not recognize this encoded version"));
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    return err(invalidKey("incorrect encoded start resourceVersion"));
  }
  if (typeof start !== "string" || start === "") {
    return err(invalidKey("encoded start key empty or invalid"));
  }
  return ok({ revision: rv, start });
}

function invalidKey(why: string): string {
  return `invalid continue token: continue key is not valid: ${why}`;
}

/** Go's wording for the first byte that cannot start a JSON value. */
function jsonComplaint(bytes: Buffer): string {
  const [first] = bytes;
  if (first === undefined) return "unexpected end of JSON input";
  const character = String.fromCharCode(first);
  return /[[{"0-9tfn\s-]/.test(character)
    ? "malformed JSON"
    : `invalid character '${character}' looking for beginning of value`;
}
