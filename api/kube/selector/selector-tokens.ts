/** Lexical units of a label selector. */
export interface Token {
  readonly kind: SymbolText | "word" | "in" | "notin" | "end";
  readonly text: string;
}

const SYMBOLS = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"] as const;
type SymbolText = (typeof SYMBOLS)[number];

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
    if (symbol !== undefined) {
      tokens.push({ kind: symbol, text: symbol });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < text.length && !/[\s=!(),><]/.test(text.charAt(at))) at += 1;
    const word = text.slice(start, at);
    tokens.push({ kind: word === "in" || word === "notin" ? word : "word", text: word });
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}
