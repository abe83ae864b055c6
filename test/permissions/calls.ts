import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { ONLY_SOMETIMES } from "./proofs.ts";

const POLICY = new URL("../../api/cluster-policy/", import.meta.url);

export interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly Rule[];
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Roles of a file in api/cluster-policy. */
export function rolesIn(file: string): readonly Role[] {
  return parseAllDocuments(readFileSync(new URL(file, POLICY), "utf8"))
    .map((document) => document.toJS() as Role)
    .filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
}

/** `verb resource.group[/subresource]` of every rule of the roles of one name, ClusterRole and Role alike. */
export function granted(file: string, role: string): ReadonlySet<string> {
  const rules = rolesIn(file)
    .filter(({ metadata }) => metadata.name === role)
    .flatMap((one) => one.rules ?? []);
  if (rules.length === 0) throw new Error(`no role ${role} in ${file}`);
  return new Set(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => `${verb} ${qualified(resource, group)}`),
        ),
      ),
    ),
  );
}

function qualified(resource: string, group: string): string {
  const [plural = "", subresource] = resource.split("/");
  const name = group === "" ? plural : `${plural}.${group}`;
  return subresource === undefined ? name : `${name}/${subresource}`;
}

/** The same of what a process has asked for since its start, from its metrics. An apply that creates needs both create and patch. */
export function callsIn(metrics: string): ReadonlySet<string> {
  const lines = metrics.matchAll(/^isthmus_kube_request_seconds_count\{([^}]*)\}/gm);
  return new Set(
    [...lines].flatMap(([, labels = ""]) => {
      const { verb, resource } = Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
      );
      // Discovery is everybody's.
      if (verb === undefined || verb === "discover") return [];
      return (verb === "apply" ? ["create", "patch"] : [verb]).map((one) => `${one} ${resource}`);
    }),
  );
}

/** What of the role has not been used, though a run that does its whole job uses it. */
export function unused(file: string, role: string, calls: Iterable<string>): readonly string[] {
  const did = new Set(calls);
  const known = ONLY_SOMETIMES[role] ?? {};
  return [...granted(file, role)].filter((one) => !did.has(one) && !(one in known)).toSorted();
}

/** Verbs that the run in PROOFS does not use, for the reason given. */
export function excusedBy(role: string, why: string): readonly string[] {
  return Object.entries(ONLY_SOMETIMES[role] ?? {}).flatMap(([call, reason]) =>
    reason === why ? [call] : [],
  );
}

/** What was asked for without the role's leave. */
export function unlawful(file: string, role: string, calls: Iterable<string>): readonly string[] {
  const may = granted(file, role);
  return [...new Set(calls)].filter((one) => !may.has(one)).toSorted();
}
