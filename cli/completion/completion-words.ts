import { flagName, flagShape } from "../../runtime/config/settings.ts";
import type { Verb } from "../verb.ts";

/** A command as a shell completes it. */
export interface CompletedVerb {
  readonly path: readonly string[];
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
}

export interface CompletedFlag {
  /** With its dashes. */
  readonly name: string;
  readonly description: string;
  /** False: nothing follows. */
  readonly hasValue: boolean;
  /** Values that are all there are; absent: any. */
  readonly choices?: readonly string[];
}

/** Flags of a verb, out of its settings: what `--help` lists. */
export function completedVerb(path: readonly string[], { summary, settings }: Verb): CompletedVerb {
  const flags = Object.entries(settings.shape).map(([key, type]): CompletedFlag => {
    const shape = flagShape(type);
    const isSwitch = shape.kind === "switch";
    const name = isSwitch && shape.default ? `--no-${flagName(key)}` : `--${flagName(key)}`;
    const choices = choicesOf(type);
    return {
      name,
      description: type.description ?? "",
      hasValue: !isSwitch,
      ...(choices === undefined ? {} : { choices }),
    };
  });
  const config = { name: "--config", description: "YAML file with any of these settings" };
  const help = { name: "--help", description: "list the options", hasValue: false };
  return { path, summary, flags: [...flags, { ...config, hasValue: true }, help] };
}

/** Of an enum, whatever is around it. */
function choicesOf(type: object): readonly string[] | undefined {
  let inner: unknown = type;
  while (typeof inner === "object" && inner !== null) {
    const options: unknown = Reflect.get(inner, "options");
    if (Array.isArray(options)) return options.filter((one) => typeof one === "string");
    const definition: unknown = Reflect.get(inner, "def");
    if (typeof definition !== "object" || definition === null) return undefined;
    inner = Reflect.get(definition, "innerType");
  }
  return undefined;
}
