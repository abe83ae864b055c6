import { err, ok, type Result } from "../../api/result.ts";
import {
  blockOfZone,
  type Corefile,
  parseCorefile,
  serverKey,
} from "../../install/cluster-dns/corefile.ts";
import type { ClusterDns, ConfigData } from "../../install/cluster-dns/wiring-plan.ts";

/** What one DNS server of the cluster does with questions about a zone. */
export type ZoneFate =
  /** It knows nothing of it. */
  | { readonly kind: "absent" }
  | { readonly kind: "forwards"; readonly to: readonly string[] }
  | { readonly kind: "answers"; readonly plugin: string }
  /** A block is there for it, and does neither. */
  | { readonly kind: "nowhere" };

export interface ZonePlace {
  readonly where: string;
  readonly fate: ZoneFate;
}

/** Plugins that answer the zone themselves. */
const ANSWERING = ["multicluster", "lighthouse"];

/** Every DNS server that pods of the cluster may be asking; none: of no kind that is known. Error: a text that cannot be read. */
export function zonePlaces(
  { maps, runsKubeDns }: ClusterDns,
  zone: string,
): Result<readonly ZonePlace[], string> {
  const places: ZonePlace[] = [];
  if (runsKubeDns) {
    const fate = fateInStubs(maps["kube-dns"]?.["stubDomains"], zone);
    if (!fate.ok) return fate;
    places.push({ where: "stubDomains of ConfigMap kube-dns", fate: fate.value });
  }
  const core = maps.coredns?.["Corefile"];
  if (core !== undefined) {
    const fate = fateInFiles([core, ...customFiles(maps["coredns-custom"])], zone);
    if (!fate.ok) return fate;
    places.push({ where: "the Corefile", fate: fate.value });
  }
  const cache = maps["node-local-dns"]?.["Corefile"];
  // It takes over what kube-dns is told.
  if (cache !== undefined && !runsKubeDns) {
    const fate = fateInFiles([cache], zone);
    if (!fate.ok) return fate;
    places.push({ where: "the Corefile of NodeLocal DNSCache", fate: fate.value });
  }
  return ok(places);
}

function customFiles(data: ConfigData | undefined): readonly string[] {
  return Object.entries(data ?? {}).flatMap(([key, text]) =>
    key.endsWith(".server") ? [text] : [],
  );
}

function fateInFiles(texts: readonly string[], zone: string): Result<ZoneFate, string> {
  const files: Corefile[] = [];
  for (const text of texts) {
    const parsed = parseCorefile(text);
    if (!parsed.ok) return err(`a Corefile cannot be read: ${parsed.error}`);
    files.push(parsed.value);
  }
  // It may stand in the block of another zone too, and names its own.
  for (const { name, args } of files.flatMap(({ blocks }) => blocks).flatMap((b) => b.plugins)) {
    if (ANSWERING.includes(name) && args.some((arg) => serverKey(arg)?.zone === zone)) {
      return ok({ kind: "answers", plugin: name });
    }
  }
  const block = files.map((file) => blockOfZone(file, zone)).find((found) => found !== undefined);
  if (block === undefined) return ok({ kind: "absent" });
  const forward = block.plugins.find(({ name }) => name === "forward");
  if (forward === undefined) return ok({ kind: "nowhere" });
  return ok({ kind: "forwards", to: forward.args.slice(1).map(addressOf) });
}

function fateInStubs(text: string | undefined, zone: string): Result<ZoneFate, string> {
  try {
    const stubs: unknown = JSON.parse(text ?? "{}");
    const to: unknown = typeof stubs === "object" && stubs !== null ? Reflect.get(stubs, zone) : [];
    if (!Array.isArray(to) || to.length === 0) return ok({ kind: "absent" });
    return ok({ kind: "forwards", to: to.map((one) => addressOf(String(one))) });
  } catch {
    return err("stubDomains of ConfigMap kube-dns must be JSON");
  }
}

/** Without scheme and port. */
function addressOf(target: string): string {
  const bare = target.replace(/^[a-z]+:\/\//, "");
  const bracketed = /^\[(.+)\](:\d+)?$/.exec(bare)?.[1];
  if (bracketed !== undefined) return bracketed;
  return bare.split(":").length === 2 ? bare.replace(/:\d+$/, "") : bare;
}
