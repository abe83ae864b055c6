import { err, ok, type Result } from "../../../api/result.ts";

interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

/** Parses `a=b,c!=d`; a backslash escapes `,`, `=` and itself. */
export function parseFieldSelector(text: string): Result<FieldSelector, string> {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    const match = /^(?<field>[^=!]+)(?<operator>!=|==|=)(?<value>.*)$/s.exec(term);
    const { field, operator, value } = match?.groups ?? {};
    if (field === undefined || operator === undefined || value === undefined) {
      return err(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const unescaped = unescapeValue(value);
    if (!unescaped.ok) return unescaped;
    requirements.push({ field, equal: operator !== "!=", value: unescaped.value });
  }
  return ok(requirements);
}

/** `read` gives the object's value of a field; absent fields read as "". */
export function matchesFields(selector: FieldSelector, read: (field: string) => string): boolean {
  return selector.every(({ field, equal, value }) => (read(field) === value) === equal);
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\" && at + 1 < text.length) {
      term += character + text.charAt(at + 1);
      at += 1;
    } else if (character === ",") {
      terms.push(term);
      term = "";
    } else {
      term += character;
    }
  }
  terms.push(term);
  return terms;
}

function unescapeValue(value: string): Result<string, string> {
  let plain = "";
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === "\\") {
      at += 1;
      const escaped = value.charAt(at);
      if (escaped !== "\\" && escaped !== "," && escaped !== "=") {
        return err(`invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      plain += escaped;
    } else if (character === "=") {
      return err(`invalid field selector: unescaped character in value: =`);
    } else {
      plain += character;
    }
  }
  return ok(plain);
}
