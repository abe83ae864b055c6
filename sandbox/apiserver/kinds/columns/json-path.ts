import { err, ok, type Result } from "../../../../api/result.ts";
import { field, isList, isObject, type JsonValue } from "../../object/json.ts";

/** A compiled path: all values it leads to. */
export type JsonPath = (value: JsonValue) => readonly JsonValue[];

type Step = (value: JsonValue) => readonly JsonValue[];

const TOKENS: readonly (readonly [RegExp, (match: RegExpExecArray) => Step])[] = [
  [/^\[\?\(@\.([^=!<>\s]+)\s*(==|!=)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*\)\]/, filterStep],
  [/^\[\*\]/, () => everyItem],
  [/^\.\*/, () => everyItem],
  [
    /^\[(-?\d+)\]/,
    ([, index = "0"]) =>
      (value) =>
        isList(value) ? value.slice(Number(index)).slice(0, 1) : [],
  ],
  [/^\['((?:[^'\\]|\\.)*)'\]/, ([, name = ""]) => fieldStep(unescape(name))],
  [/^\.((?:[^.[\]\\]|\\.)+)/, ([, name = ""]) => fieldStep(unescape(name))],
];

/**
 * The simple JSONPath of additionalPrinterColumns: fields (`.a.b`, `['a.b']`, `.a\.b`), indices, `[*]` and filters on equality
 * (`[?(@.type=="Ready")]`).
 */
export function parseJsonPath(text: string): Result<JsonPath, string> {
  const steps: Step[] = [];
  let rest = text;
  while (rest !== "") {
    const token = nextToken(rest);
    if (token === undefined) {
      return err(`cannot parse JSONPath: must be fields, indices and filters: got ${text}`);
    }
    steps.push(token.step);
    rest = rest.slice(token.length);
  }
  if (steps.length === 0) return err("cannot parse JSONPath: must not be empty");
  return ok((value) =>
    steps.reduce((values: readonly JsonValue[], step) => values.flatMap(step), [value]),
  );
}

function nextToken(text: string): { readonly step: Step; readonly length: number } | undefined {
  for (const [pattern, make] of TOKENS) {
    const match = pattern.exec(text);
    if (match !== null) return { step: make(match), length: match[0].length };
  }
  return undefined;
}

function fieldStep(name: string): Step {
  return (value) => {
    const found = isObject(value) ? field(value, name) : undefined;
    return found === undefined ? [] : [found];
  };
}

const everyItem: Step = (value) => {
  if (isList(value)) return value;
  return isObject(value) ? Object.values(value) : [];
};

function filterStep([, path = "", operator, literal = ""]: RegExpExecArray): Step {
  const names = path.split(".");
  const wanted = /^["']/.test(literal) ? literal.slice(1, -1) : literal;
  return (value) => {
    if (!isList(value)) return [];
    return value.filter((item) => {
      const [seen] = names.reduce(
        (values: readonly JsonValue[], name) => values.flatMap(fieldStep(name)),
        [item],
      );
      if (seen === undefined) return false;
      const text = typeof seen === "string" ? seen : JSON.stringify(seen);
      return (text === wanted) === (operator === "==");
    });
  };
}

function unescape(name: string): string {
  return name.replaceAll(/\\(.)/g, "$1");
}
