import { err, ok, type Result } from "../../api/result.ts";
import { blockOfZone, type Corefile, parseCorefile, serverKey } from "./corefile.ts";

/** The zone of the clusterset (`multicluster` DNS specification). */
export const CLUSTERSET_ZONE = "clusterset.local";

const BEGIN = "# isthmus begin: written by `isthmus wire-dns`, and removed by it";
const END = "# isthmus end";
const MARKED = /^# isthmus begin\b[^\n]*\n[\s\S]*?^# isthmus end[^\n]*(?:\n|$)/m;

/** Of our DNS server: the address it has now, and those it had. */
export type Addresses = readonly [now: string, ...earlier: string[]];

/** Where the zone is served from, and what that server block takes over from the one that serves the cluster's own names. */
export interface Stanza {
  readonly address: string;
  readonly port: number;
  /** Arguments of `bind`; a node's cache listens at its own addresses only. */
  readonly bind: readonly string[];
}

export function stanzaText({ address, port, bind }: Stanza): string {
  const lines = [
    BEGIN,
    `${CLUSTERSET_ZONE}:${port} {`,
    "    errors",
    ...(bind.length === 0 ? [] : [`    bind ${bind.join(" ")}`]),
    "    cache 5",
    `    forward . ${address}`,
    "}",
    END,
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * The text with our server block, once, and everything else byte for byte as it was. It comes first, so that whatever the text
 * ends with stays its end. Error: it is not a Corefile we understand, or somebody else's block serves the zone.
 */
export function addStanza(text: string, addresses: Addresses): Result<string, string> {
  const rest = removeStanza(text, addresses);
  const parsed = parseCorefile(rest);
  if (!parsed.ok) return parsed;
  const foreign = blockOfZone(parsed.value, CLUSTERSET_ZONE);
  if (foreign !== undefined) return err(foreignText(foreign.line));
  return ok(`${stanzaText({ address: addresses[0], ...placeOf(parsed.value) })}${rest}`);
}

export function foreignText(line: number): string {
  return `line ${line} serves ${CLUSTERSET_ZONE} already, and not by Isthmus: two servers of one zone end CoreDNS; remove that block first`;
}

/**
 * The text without our server block: what our comments enclose, or, where a tool has dropped the comments, the block that does
 * nothing but send the zone to our address. Unchanged when there is none.
 */
export function removeStanza(text: string, addresses: Addresses): string {
  const marked = MARKED.exec(text);
  if (marked !== null) {
    return text.slice(0, marked.index) + text.slice(marked.index + marked[0].length);
  }
  const parsed = parseCorefile(text);
  if (!parsed.ok) return text;
  const ours = blockOfZone(parsed.value, CLUSTERSET_ZONE);
  if (ours === undefined || ours.keys.length !== 1) return text;
  const forwards = ours.plugins.some(
    ({ name, args }) =>
      name === "forward" && args.length === 2 && addresses.includes(args[1] ?? ""),
  );
  if (!forwards) return text;
  return text.slice(0, ours.start) + text.slice(ours.end).replace(/^[ \t]*\n/, "");
}

/** Of the block that serves the cluster's own names: `kubernetes` makes them, a node's cache has their zone, the root has all. */
export function placeOf(corefile: Corefile): Pick<Stanza, "port" | "bind"> {
  const main =
    corefile.blocks.find(({ plugins }) => plugins.some(({ name }) => name === "kubernetes")) ??
    blockOfZone(corefile, "cluster.local") ??
    blockOfZone(corefile, "");
  const [port = 53] = (main?.keys ?? []).flatMap((key) => serverKey(key)?.port ?? []);
  const bind = (main?.plugins ?? []).find(({ name }) => name === "bind")?.args ?? [];
  return { port, bind };
}
