import { err, ok, type Result } from "../../api/result.ts";

/** What a Corefile says, as far as it must be known to add a server block: who serves which zone, and what cannot be seen. */
export interface Corefile {
  readonly blocks: readonly ServerBlock[];
  /** Patterns of `import` outside of blocks: files that this text does not show. */
  readonly imports: readonly string[];
}

export interface ServerBlock {
  /** As written: `.:53`, `cluster.local`, `dns://example.org:5353`. */
  readonly keys: readonly string[];
  readonly plugins: readonly Plugin[];
  /** Offsets in the text: the first key, and behind the closing brace. */
  readonly start: number;
  readonly end: number;
  /** Of the first key, from 1. */
  readonly line: number;
}

export interface Plugin {
  readonly name: string;
  /** Those on its own line. */
  readonly args: readonly string[];
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly startsLine: boolean;
}

/**
 * By the grammar of CoreDNS (github.com/coredns/caddy, `caddyfile`), but that a lone server block without braces is an error:
 * nothing can be added beside it. Error: rule and line.
 */
export function parseCorefile(text: string): Result<Corefile, string> {
  const tokens = tokensOf(text);
  if (!tokens.ok) return tokens;
  const blocks: ServerBlock[] = [];
  const imports: string[] = [];
  let at = 0;
  while (at < tokens.value.length) {
    const first = tokens.value[at];
    const second = tokens.value[at + 1];
    if (first?.text === "import" && first.startsLine) {
      if (second !== undefined) imports.push(second.text);
      at += 2;
      continue;
    }
    const block = blockAt(tokens.value, at);
    if (!block.ok) return block;
    // A snippet, `(name) { ... }`, serves nothing by itself.
    const [key = ""] = block.value.block.keys;
    if (!/^\(.*\)$/.test(key)) blocks.push(block.value.block);
    at = block.value.next;
  }
  return ok({ blocks, imports });
}

function blockAt(
  tokens: readonly Token[],
  from: number,
): Result<{ readonly block: ServerBlock; readonly next: number }, string> {
  const first = tokens[from];
  const keys: string[] = [];
  let at = from;
  let isMoreExpected = true;
  for (; ; at += 1) {
    const token = tokens[at];
    const isNewLine = at > from && token?.startsLine === true && !isMoreExpected;
    if (token === undefined || (isNewLine && token.text !== "{")) {
      return wrong(first, "a server block must have braces", keys.join(" "));
    }
    if (token.text === "{") break;
    isMoreExpected = token.text.endsWith(",");
    const key = token.text.replace(/,$/, "");
    if (key !== "") keys.push(key);
  }
  if (keys.length === 0) return wrong(first, "a server block must have a zone", "{");
  const plugins: { name: string; args: string[] }[] = [];
  let depth = 1;
  for (at += 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (token.text === "}") {
      depth -= 1;
      if (depth > 0) continue;
      const { start = 0, line = 0 } = first ?? {};
      return ok({ block: { keys, plugins, start, end: token.end, line }, next: at + 1 });
    }
    if (token.text === "{") {
      depth += 1;
      if (plugins.length === 0) return wrong(token, "a brace must follow a plugin", "{");
    } else if (depth === 1) {
      if (token.startsLine) plugins.push({ name: token.text, args: [] });
      else plugins.at(-1)?.args.push(token.text);
    }
  }
  return wrong(first, "every opening brace must be closed", keys.join(" "));
}

/** Words between white space; `"..."` is one; `#` starts a comment, wherever it stands. */
function tokensOf(text: string): Result<readonly Token[], string> {
  const tokens: Token[] = [];
  let line = 1;
  let startsLine = true;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "\n") {
      line += 1;
      startsLine = true;
      at += 1;
    } else if (/\s/.test(char)) {
      at += 1;
    } else if (char === "#") {
      at = endOfLine(text, at);
    } else {
      const start = at;
      const startLine = line;
      const end = char === '"' ? endOfQuoted(text, at) : endOfWord(text, at);
      if (end === undefined) {
        return err(`line ${line}: a quoted word must end: got ${text.slice(at, at + 20)}`);
      }
      const raw = text.slice(start, end);
      const word = char === '"' ? raw.slice(1, -1).replaceAll('\\"', '"') : raw;
      tokens.push({ text: word, start, end, line: startLine, startsLine });
      line += raw.split("\n").length - 1;
      startsLine = false;
      at = end;
    }
  }
  return ok(tokens);
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf("\n", from);
  return found < 0 ? text.length : found;
}

function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && !/[\s#]/.test(text[at] ?? "")) at += 1;
  return at;
}

function endOfQuoted(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return undefined;
}

function wrong(token: Token | undefined, rule: string, got: string): Result<never, string> {
  return err(`line ${token?.line ?? 1}: ${rule}: got ${got}`);
}

/** Zone in lower case without its last dot ("" is the root), and port, 53 unless it says so. Undefined: not plain DNS. */
export function serverKey(
  key: string,
): { readonly zone: string; readonly port: number } | undefined {
  const [, scheme = "dns", rest = ""] = /^(?:([a-z0-9]+):\/\/)?(.*)$/i.exec(key) ?? [];
  if (scheme.toLowerCase() !== "dns") return undefined;
  const [, zone = "", port = "53"] = /^(.*?)(?::(\d+))?$/.exec(rest) ?? [];
  return { zone: zone.toLowerCase().replace(/\.$/, ""), port: Number(port) };
}

/** The server block that serves the zone itself, not one above it. */
export function blockOfZone({ blocks }: Corefile, zone: string): ServerBlock | undefined {
  return blocks.find(({ keys }) => keys.some((key) => serverKey(key)?.zone === zone));
}
