import { stringify } from "yaml";
import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube, type KubeChoice } from "../connect-kube.ts";
import type { VerbInput } from "../verb.ts";
import { applyInstall, crdsOf } from "./apply-install.ts";
import type { Part } from "./install-record.ts";
import { render } from "./render.ts";

export const applySettings = {
  print: z
    .boolean()
    .default(false)
    .describe("print what would be installed, as YAML for kubectl apply"),
  apply: z.boolean().default(false).describe("install it"),
} as const;

/** Of a verb's settings, those of what is installed. */
export function installSettings(
  schema: z.ZodObject,
  settings: { readonly namespace: string },
): Readonly<Record<string, unknown>> & { readonly namespace: string } {
  const known = Object.entries(settings).filter(([key]) => key in schema.shape);
  return { ...Object.fromEntries(known), namespace: settings.namespace };
}

export type InstallInput = Pick<
  VerbInput<KubeChoice & { readonly print: boolean; readonly apply: boolean }>,
  "settings" | "signal" | "env" | "out"
>;

/** @returns the cluster's client; undefined when it was only printed. */
export async function runInstall(
  part: Part,
  wanted: Readonly<Record<string, unknown>> & { readonly namespace: string },
  { settings, signal, env, out }: InstallInput,
): Promise<Result<KubeClient | undefined, string>> {
  if (settings.print === settings.apply) {
    return err("cannot install: one of --print and --apply must be given: got both or none");
  }
  const objects = render(part, wanted);
  if (!objects.ok) return objects;
  if (settings.print) {
    const all = [...crdsOf(part), ...objects.value];
    out.line(
      all
        .map((object) => stringify(object, { lineWidth: 0 }))
        .join("---\n")
        .trimEnd(),
    );
    return ok(undefined);
  }
  const kube = connectKube(settings, env, silentMeter);
  if (!kube.ok) return kube;
  const { client } = kube.value;
  const { namespace } = wanted;
  const deps = { client, clock: systemClock, signal, out };
  const applied = await applyInstall(
    part,
    { namespace, settings: wanted, objects: objects.value },
    deps,
  );
  return applied.ok ? ok(client) : applied;
}
