import { err, ok, type Result } from "../../result.ts";
import { type Token, tokenize } from "./selector-tokens.ts";

/** One requirement on labels; all requirements of a selector must hold. */
type LabelRequirement =
  | { readonly operator: "in" | "notin"; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: "exists" | "absent"; readonly key: string }
  | { readonly operator: "above" | "below"; readonly key: string; readonly bound: number };

export type LabelSelector = readonly LabelRequirement[];

/** Parses the text form of a label selector; error texts are the real server's. */
export function parseLabelSelector(text: string): Result<LabelSelector, string> {
  return new SelectorParser(tokenize(text)).parse();
}

export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector.every((requirement) => holds(requirement, labels));
}

function holds(requirement: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notin":
      return value === undefined || !requirement.values.includes(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "above":
      return value !== undefined && isInteger(value) && Number(value) > requirement.bound;
    case "below":
      return value !== undefined && isInteger(value) && Number(value) < requirement.bound;
  }
}

class ParseFailure extends Error {}

class SelectorParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Result<LabelSelector, string> {
    try {
      return ok(this.#selector());
    } catch (failure) {
      if (failure instanceof ParseFailure) return err(failure.message);
      throw failure;
    }
  }

  #selector(): LabelSelector {
    const requirements: LabelRequirement[] = [];
    if (this.#peek().kind === "end") return requirements;
    if (!startsRequirement(this.#peek())) {
      throw new ParseFailure(
        `found '${this.#peek().text}', expected: !, identifier, or 'end of string'`,
      );
    }
    for (;;) {
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.kind === "end") return requirements;
      if (next.kind !== ",") {
        throw new ParseFailure(`found '${next.text}', expected: ',' or 'end of string'`);
      }
      if (!startsRequirement(this.#peek())) {
        throw new ParseFailure(`found '${this.#peek().text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek().kind === "!";
    if (negated) this.#take();
    const key = this.#take();
    if (!isWord(key)) this.#fail(key, "identifier");
    this.#checkKey(key.text);
    if (negated) return { operator: "absent", key: key.text };
    if (this.#peek().kind === "end" || this.#peek().kind === ",") {
      return { operator: "exists", key: key.text };
    }
    return this.#comparison(key.text);
  }

  #comparison(key: string): LabelRequirement {
    const operator = this.#take();
    switch (operator.kind) {
      case "=":
      case "==":
        return { operator: "in", key, values: [this.#checkedValue(key, this.#exactValue())] };
      case "!=":
        return { operator: "notin", key, values: [this.#checkedValue(key, this.#exactValue())] };
      case "in":
      case "notin":
        return {
          operator: operator.kind,
          key,
          values: this.#valueSet().map((value) => this.#checkedValue(key, value)),
        };
      case ">":
      case "<":
        return {
          operator: operator.kind === ">" ? "above" : "below",
          key,
          bound: this.#bound(),
        };
      case "!":
      case "(":
      case ")":
      case ",":
      case "word":
      case "end":
        return this.#fail(operator, "in, notin, =, ==, !=, gt, lt");
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.kind === "end" || next.kind === ",") return "";
    this.#take();
    return isWord(next) ? next.text : this.#fail(next, "identifier");
  }

  #bound(): number {
    const text = this.#exactValue();
    if (!isInteger(text)) {
      throw new ParseFailure(
        "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer",
      );
    }
    return Number(text);
  }

  #valueSet(): string[] {
    const open = this.#take();
    if (open.kind !== "(") this.#fail(open, "'('");
    const values: string[] = [];
    for (;;) {
      const token = this.#peek();
      if (isWord(token)) {
        this.#take();
        values.push(token.text);
      } else if (token.kind === "," || token.kind === ")") {
        values.push("");
      } else {
        this.#fail(token, "',', ')' or identifier");
      }
      const separator = this.#take();
      if (separator.kind === ")") return values;
      if (separator.kind !== ",") this.#fail(separator, "',' or ')'");
    }
  }

  #checkKey(key: string): void {
    const slash = key.indexOf("/");
    const name = key.slice(slash + 1);
    const prefix = slash < 0 ? undefined : key.slice(0, slash);
    const prefixOk =
      prefix === undefined ||
      (prefix.length <= 253 && prefix.split(".").every((part) => DNS_LABEL.test(part)));
    if (name.length > 63 || !QUALIFIED_NAME.test(name) || !prefixOk) {
      throw new ParseFailure(
        `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      );
    }
  }

  #checkedValue(key: string, value: string): string {
    if (value === "" || (value.length <= 63 && QUALIFIED_NAME.test(value))) return value;
    throw new ParseFailure(
      `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    );
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #fail(token: Token, expected: string): never {
    throw new ParseFailure(
      `unable to parse requirement: found '${token.text}', expected: ${expected}`,
    );
  }
}

const END: Token = { kind: "end", text: "" };
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function isWord(token: Token): boolean {
  // `in` and `notin` are words where a key or value is expected.
  return token.kind === "word" || token.kind === "in" || token.kind === "notin";
}

function startsRequirement(token: Token): boolean {
  return token.kind === "!" || isWord(token);
}

function isInteger(text: string): boolean {
  return /^[-+]?[0-9]{1,18}$/.test(text);
}
