import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import type { KubeObject } from "../../api/kube/object.ts";
import type { CHARTS } from "../../install/chart-values.ts";
import { type Outcome, runCommand } from "./kubectl-command.ts";

export const CHARTS_FOLDER = new URL("../../charts/", import.meta.url).pathname;
export type ChartName = keyof typeof CHARTS;

/** As far as tests look into what charts render. */
export interface ChartObject extends KubeObject {
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly args?: readonly string[];
          readonly resources?: object;
        }[];
      };
    };
  };
}

/** helm with one chart and values; what it says of links is left out. */
export async function helm(
  verb: readonly string[],
  chart: ChartName,
  values: object,
  flags: readonly string[],
  timeoutMs?: number,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "isthmus-charts-"));
  try {
    const file = join(folder, "values.yaml");
    await writeFile(file, stringify(values));
    const args = [...verb, join(CHARTS_FOLDER, chart), "--values", file, ...flags];
    const { code, out } = await runCommand("helm", args, {}, timeoutMs);
    const lines = out.split("\n").filter((line) => !line.startsWith("walk.go"));
    return { code, out: lines.join("\n") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `helm template` and `helm lint`. A helm that was built by `go install` takes itself to be of Kubernetes 1.20. */
export function helmOffline(
  verb: "template" | "lint",
  chart: ChartName,
  values: object,
  flags: readonly string[] = [],
): Promise<Outcome> {
  const release = verb === "template" ? ["it", "--namespace", "mesh"] : [];
  return helm([verb, ...release], chart, values, ["--kube-version", "1.34.0", ...flags]);
}

/** What a chart renders in namespace mesh, by kind and name; hooks are apart. */
export async function templated(
  chart: ChartName,
  values: object,
  { hooks = false }: { readonly hooks?: boolean } = {},
): Promise<ReadonlyMap<string, ChartObject>> {
  const { code, out } = await helmOffline("template", chart, values, hooks ? [] : ["--no-hooks"]);
  if (code !== 0) throw new Error(out);
  return byName(
    parseAllDocuments(out)
      .map((document) => document.toJS() as ChartObject | null)
      .filter((object) => object !== null),
  );
}

export function byName<T extends KubeObject>(objects: readonly T[]): ReadonlyMap<string, T> {
  const map = new Map(objects.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const));
  if (map.size !== objects.length) throw new Error("two objects of one kind and name");
  return map;
}
