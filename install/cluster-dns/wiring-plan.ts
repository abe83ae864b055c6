import { err, ok, type Result } from "../../api/result.ts";
import { blockOfZone, type Corefile, parseCorefile } from "./corefile.ts";
import {
  type Addresses,
  addStanza,
  CLUSTERSET_ZONE,
  foreignText,
  placeOf,
  removeStanza,
  stanzaText,
} from "./corefile-stanza.ts";
import { addStubDomain, removeStubDomain } from "./stub-domains.ts";

/** ConfigMaps of kube-system that cluster DNS servers read, by name; those that are not there are absent. */
export type DnsConfigMaps = Readonly<Partial<Record<DnsConfigMap, ConfigData>>>;
export type DnsConfigMap = "coredns" | "coredns-custom" | "kube-dns" | "node-local-dns";
export type ConfigData = Readonly<Record<string, string>>;

export interface ClusterDns {
  readonly maps: DnsConfigMaps;
  /** Whether kube-dns itself runs: CoreDNS goes by that name too, as a Service. */
  readonly runsKubeDns: boolean;
  /** Whether the API server has ServiceImports: CoreDNS's own plugin `multicluster` does not start without. */
  readonly servesImports: boolean;
}

/** One key of one ConfigMap, before and after. Undefined: no such key. */
export interface WiringEdit {
  readonly configMap: DnsConfigMap;
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface WiringPlan {
  /** Who was found, for people. */
  readonly found: readonly string[];
  /** Empty: it is wired already, or nobody was found. */
  readonly edits: readonly WiringEdit[];
  /** What the admin should know. */
  readonly notes: readonly string[];
}

const COREFILE = "Corefile";
const STUB_DOMAINS = "stubDomains";
/** k3s and AKS write `coredns` anew as they like; what admins add goes into files of this ConfigMap. */
const CUSTOM_KEY = "isthmus.server";
const CUSTOM_IMPORT = /(?:^|\/)custom\/\*\.server$/;

/** The smallest change that sends the clusterset's zone to the address. Error: what stands in the way; nothing is to be changed then. */
export function planWiring(dns: ClusterDns, addresses: Addresses): Result<WiringPlan, string> {
  const { maps } = dns;
  const plans: Result<WiringPlan, string>[] = [];
  if (dns.runsKubeDns) plans.push(planKubeDns(maps["kube-dns"], addresses));
  const core = maps.coredns?.[COREFILE];
  if (core !== undefined) plans.push(planCoreDns(core, dns, addresses));
  const cache = maps["node-local-dns"]?.[COREFILE];
  if (cache !== undefined) plans.push(planNodeCache(cache, dns, addresses));
  const whole = { found: [] as string[], edits: [] as WiringEdit[], notes: [] as string[] };
  for (const plan of plans) {
    if (!plan.ok) return plan;
    for (const part of ["found", "notes"] as const) whole[part].push(...plan.value[part]);
    whole.edits.push(...plan.value.edits.filter(({ before, after }) => before !== after));
  }
  return ok(whole);
}

function planKubeDns(
  data: ConfigData | undefined,
  addresses: Addresses,
): Result<WiringPlan, string> {
  const before = data?.[STUB_DOMAINS];
  const after = addStubDomain(before, addresses);
  if (!after.ok) return err(`ConfigMap kube-system/kube-dns: ${after.error}`);
  const edit = { configMap: "kube-dns", key: STUB_DOMAINS, before, after: after.value } as const;
  return ok({ found: ["kube-dns"], edits: [edit], notes: [] });
}

function planCoreDns(
  text: string,
  { maps, servesImports }: ClusterDns,
  addresses: Addresses,
): Result<WiringPlan, string> {
  const where = "ConfigMap kube-system/coredns";
  const parsed = parseCorefile(removeStanza(text, addresses));
  if (!parsed.ok) return err(`${where}: ${parsed.error}`);
  const { blocks, imports } = parsed.value;
  const plugins = new Set(blocks.flatMap((block) => block.plugins.map(({ name }) => name)));
  if (plugins.has("multicluster") && !servesImports) {
    return err(
      `${where} uses the plugin multicluster, and this API server has no ServiceImports: CoreDNS would not start again; install the definitions first ("isthmus crds --apply")`,
    );
  }
  const notes = notesOf(plugins, imports);
  const edit = imports.some((pattern) => CUSTOM_IMPORT.test(pattern))
    ? editOfCustom(parsed.value, maps["coredns-custom"] ?? {}, addresses)
    : editOfCorefile("coredns", text, addresses);
  return edit.ok ? ok({ found: ["CoreDNS"], edits: [edit.value], notes }) : edit;
}

/** Whether who is told of the zone reads its changed text by itself. What a Corefile imports may say so too. */
export function readsAgain({ maps }: Pick<ClusterDns, "maps">): boolean {
  const text = maps.coredns?.[COREFILE];
  const parsed = text === undefined ? undefined : parseCorefile(text);
  if (parsed?.ok !== true) return true;
  const { blocks, imports } = parsed.value;
  const plugins = blocks.flatMap((block) => block.plugins.map(({ name }) => name));
  return imports.length > 0 || plugins.some((name) => name === "reload" || name === "import");
}

function notesOf(plugins: ReadonlySet<string>, imports: readonly string[]): readonly string[] {
  const hidden = imports.filter((pattern) => !CUSTOM_IMPORT.test(pattern));
  return [
    ...(plugins.has("reload")
      ? []
      : [
          "CoreDNS does not reload by itself (no plugin reload): restart it, kubectl -n kube-system rollout restart deployment coredns",
        ]),
    ...(plugins.has("multicluster")
      ? [`CoreDNS's own plugin multicluster answers ${CLUSTERSET_ZONE} no more from now on`]
      : []),
    ...hidden.map((pattern) => `not looked at: what the Corefile imports from ${pattern}`),
  ];
}

function editOfCorefile(
  configMap: DnsConfigMap,
  before: string,
  addresses: Addresses,
): Result<WiringEdit, string> {
  const after = addStanza(before, addresses);
  return after.ok
    ? ok({ configMap, key: COREFILE, before, after: after.value })
    : err(`ConfigMap kube-system/${configMap}: ${after.error}`);
}

/** A file of its own; all files and the Corefile are one configuration, so none may serve the zone. */
function editOfCustom(
  corefile: Corefile,
  custom: ConfigData,
  addresses: Addresses,
): Result<WiringEdit, string> {
  const files = Object.entries(custom).filter(([key]) => key.endsWith(".server"));
  for (const [key, text] of files) {
    const where = `ConfigMap kube-system/coredns-custom, key ${key}`;
    const parsed = parseCorefile(removeStanza(text, addresses));
    if (!parsed.ok) return err(`${where}: ${parsed.error}`);
    const foreign = blockOfZone(parsed.value, CLUSTERSET_ZONE);
    if (foreign !== undefined) return err(`${where}: ${foreignText(foreign.line)}`);
  }
  const inCorefile = blockOfZone(corefile, CLUSTERSET_ZONE);
  if (inCorefile !== undefined) {
    return err(`ConfigMap kube-system/coredns: ${foreignText(inCorefile.line)}`);
  }
  const before = custom[CUSTOM_KEY];
  const rest = removeStanza(before ?? "", addresses);
  const after = `${stanzaText({ address: addresses[0], ...placeOf(corefile) })}${rest}`;
  return ok({ configMap: "coredns-custom", key: CUSTOM_KEY, before, after });
}

/** It asks the node's own resolvers for what it has no block for, not CoreDNS. */
function planNodeCache(
  text: string,
  { runsKubeDns }: ClusterDns,
  addresses: Addresses,
): Result<WiringPlan, string> {
  const found = ["NodeLocal DNSCache"];
  if (runsKubeDns) {
    // With a block besides, it would serve the zone twice and end.
    return ok({
      found,
      edits: [],
      notes: ["NodeLocal DNSCache takes over kube-dns's stubDomains"],
    });
  }
  const edit = editOfCorefile("node-local-dns", text, addresses);
  return edit.ok ? ok({ found, edits: [edit.value], notes: [] }) : edit;
}

/** The text without what is ours; undefined: nothing but that was ever in it. */
export function unwired(
  { key, text, hadKey }: { readonly key: string; readonly text: string; readonly hadKey: boolean },
  addresses: Addresses,
): string | undefined {
  const isStub = key === STUB_DOMAINS;
  const rest = isStub ? removeStubDomain(text, addresses) : removeStanza(text, addresses);
  const isEmpty = isStub ? /^\s*\{\s*\}\s*$/.test(rest) : rest.trim() === "";
  return isEmpty && !hadKey ? undefined : rest;
}
