import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";

/**
 * Settings of one process: one zod object gives the types, the defaults, the flags, the keys of the config file
 * and the help. Unknown keys stop the start.
 */
export type SettingsSchema = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

export interface SettingSources {
  /** From the command line, by key; only those given. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Parsed config file; undefined when none was named. */
  readonly file: unknown;
  readonly fileName?: string;
}

/** Flags win over the file, the file over defaults. */
export function readSettings<S extends SettingsSchema>(
  schema: S,
  sources: SettingSources,
): Result<z.output<S>, string> {
  const origin = `config file ${sources.fileName ?? ""}`.trim();
  const file = sources.file ?? {};
  if (typeof file !== "object" || Array.isArray(file)) {
    return err(`cannot read ${origin}: must hold a mapping of settings: got ${typeof file}`);
  }
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(file).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    return err(
      `cannot read ${origin}: unknown settings ${unknown.join(", ")}: known are ${known.join(", ")}`,
    );
  }
  const parsed = schema.safeParse({ ...file, ...sources.flags });
  if (parsed.success) return ok(parsed.data);
  const problems = parsed.error.issues.map((issue) => {
    const key = String(issue.path[0] ?? "");
    const from = key in sources.flags ? `--${flagName(key)}` : origin;
    const seen = { ...file, ...sources.flags }[key as keyof typeof file];
    return seen === undefined
      ? `setting ${key} (--${flagName(key)}) is required`
      : `cannot read setting ${key} (${from}): ${issue.message}: got ${JSON.stringify(seen)}`;
  });
  return err(problems.join("; "));
}

/** `healthListen` is `--health-listen` on the command line. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** How a setting is written on the command line. */
export type FlagShape =
  | { readonly kind: "switch"; readonly default: boolean }
  /** No `default` key: the flag is required. `undefined`: it may be left out, and the description says what then. */
  | { readonly kind: "value" | "list"; readonly default?: unknown };

export function flagShape(type: z.ZodType): FlagShape {
  let inner: z.ZodType = type;
  let fallback: { readonly default?: unknown } = {};
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      fallback = { default: inner.def.defaultValue };
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      fallback = { default: undefined, ...fallback };
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.def.in as z.ZodType;
    } else break;
  }
  if (inner instanceof z.ZodBoolean) {
    return { kind: "switch", default: fallback.default === true };
  }
  return { kind: inner instanceof z.ZodArray ? "list" : "value", ...fallback };
}
