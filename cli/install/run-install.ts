import { z } from "zod";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { type ConnectedKube, connectPatiently, type KubeChoice } from "../cluster/connect-kube.ts";
import { manifestsText } from "../output/manifests-text.ts";
import { Receipt } from "../output/receipt.ts";
import { type OutputForm, outputSetting } from "../output/render.ts";
import type { ExitCode, VerbInput } from "../verb.ts";
import { applyInstall, crdsOf } from "./apply-install.ts";
import type { Part } from "./install-record.ts";
import { render } from "./render.ts";

/** Of all that installs, upgrades and removes. */
export const ONWARDS = "what was done stays: the same line again is safe, and goes on from there";

export const applySettings = {
  print: z
    .boolean()
    .default(false)
    .describe("print what would be installed, as YAML for kubectl apply"),
  apply: z.boolean().default(false).describe("install it"),
  output: outputSetting,
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
  VerbInput<
    KubeChoice & { readonly print: boolean; readonly apply: boolean; readonly output: OutputForm }
  >,
  "settings" | "signal" | "env" | "out"
>;

export interface Installed {
  readonly receipt: Receipt;
  readonly objects: readonly KubeObject[];
}

/** Prints, or installs and goes on with what `then` does in the cluster; tells both. */
export async function runInstall(
  part: Part,
  wanted: Readonly<Record<string, unknown>> & { readonly namespace: string },
  { settings, signal, env, out }: InstallInput,
  then: (kube: ConnectedKube, installed: Installed) => Promise<Result<undefined, string>>,
): Promise<ExitCode> {
  const { print, apply, output } = settings;
  const objects = print === apply ? NEITHER : render(part, wanted);
  if (!objects.ok || print) {
    if (objects.ok) out.line(manifestsText([...crdsOf(part), ...objects.value], output));
    else out.problem(objects.error);
    return objects.ok ? 0 : 1;
  }
  const receipt = new Receipt(output, out);
  const kube = connectPatiently(settings, env, (text) => out.problem(text));
  if (!kube.ok) return receipt.end(kube);
  const { client } = kube.value;
  const { namespace } = wanted;
  const deps = { client, clock: systemClock, signal, out: receipt };
  const installed = { namespace, settings: wanted, objects: objects.value };
  const applied = await applyInstall(part, installed, deps);
  const done = applied.ok
    ? await then(kube.value, { receipt, objects: objects.value })
    : err(`cannot install the ${part}: ${applied.error}`);
  return receipt.end(done, ONWARDS);
}

const NEITHER = err("cannot install: one of --print and --apply must be given: got both or none");
