import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { parse } from "yaml";
import type { z } from "zod";
import { err, ok, type Result } from "../api/result.ts";
import {
  type FlagShape,
  flagName,
  flagShape,
  readSettings,
  type SettingsSchema,
} from "../runtime/config/settings.ts";
import { withoutLeadingFlags } from "./leading-flags.ts";
import type { ConfigFile, ExitCode, Verb, VerbInput } from "./verb.ts";
import { VERBS } from "./verb-table.ts";

type Surroundings = Pick<
  VerbInput<unknown>,
  "env" | "signal" | "onHangup" | "out" | "pool" | "program"
>;

/** Finds the verb, reads its settings from flags and file, runs it. Never throws for bad input. */
export async function runProgram(
  typed: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const argv = withoutLeadingFlags(typed);
  const entry = VERBS.find(({ path }) => path.every((word, index) => argv[index] === word));
  if (entry === undefined) return overview(argv, surroundings);
  const verb = await entry.load();
  const command = buildCommand(entry.path, verb);
  let exitCode: ExitCode = 0;
  command.action(async () => {
    exitCode = await runVerb(verb, command, {
      ...surroundings,
      args: argv.slice(entry.path.length),
    });
  });
  try {
    await command.parseAsync(argv.slice(entry.path.length), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

function overview(argv: readonly string[], { out }: Surroundings): ExitCode {
  const asked =
    argv[0] === undefined || argv[0] === "help" || argv[0] === "--help" || argv[0] === "-h";
  if (!asked) out.problem(`unknown command: ${argv.slice(0, 2).join(" ")}`);
  const lines = VERBS.filter(({ hidden }) => hidden !== true).map(
    ({ path, summary }) => `  ${path.join(" ").padEnd(16)} ${summary}`,
  );
  const text = `Usage: isthmus <command> [options]\n\n${lines.join("\n")}\n\n"isthmus <command> --help" lists its options.`;
  if (asked) out.line(text);
  else out.problem(text);
  return asked ? 0 : 2;
}

/** As kubectl has them. */
const SHORT: Readonly<Record<string, string>> = { output: "-o, ", namespace: "-n, " };

/** What parses the options of a verb, and prints them for `--help`. */
export function buildCommand(path: readonly string[], verb: Verb): Command {
  const command = new Command(`isthmus ${path.join(" ")}`)
    .description(verb.summary)
    .exitOverride()
    .allowExcessArguments(false);
  for (const { name, description } of verb.positionals ?? []) {
    command.argument(`<${name}>`, description);
  }
  command.option("--config <file>", "YAML file with any of these settings, keys in camelCase");
  for (const [key, type] of Object.entries(verb.settings.shape)) {
    const shape = flagShape(type);
    const flag = `${SHORT[key] ?? ""}--${flagName(key)}`;
    const description = type.description ?? "";
    if (shape.kind === "switch") {
      const name = shape.default ? `--no-${flagName(key)}` : flag;
      command.addOption(new Option(name, `${description} (default: ${shape.default})`));
      continue;
    }
    const isList = shape.kind === "list";
    const option = new Option(
      `${flag} ${isList ? "<a,b,...>" : "<value>"}`,
      `${description}${defaultText(shape)}`,
    );
    command.addOption(isList ? option.argParser(addToList) : option);
  }
  return command;
}

/** Every flag says what happens without it. */
function defaultText(shape: FlagShape): string {
  if (!("default" in shape)) return " (required)";
  if (shape.default === undefined) return "";
  const isEmpty = Array.isArray(shape.default) && shape.default.length === 0;
  return ` (default: ${isEmpty ? "none" : JSON.stringify(shape.default)})`;
}

async function runVerb(
  verb: Verb,
  command: Command,
  surroundings: Surroundings & Pick<VerbInput<unknown>, "args">,
): Promise<ExitCode> {
  const { config: path, ...flags } = givenOptions(command);
  const config = typeof path === "string" ? configFile(path, verb.settings, flags) : undefined;
  const settings =
    config === undefined
      ? readSettings(verb.settings, { flags, file: undefined })
      : readTextFile(config.path, config.read);
  if (!settings.ok) {
    surroundings.out.problem(settings.error);
    return 2;
  }
  if (verb.isService) surroundings.onHangup(() => undefined);
  return verb.run({
    ...surroundings,
    settings: settings.value,
    ...(config === undefined ? {} : { config }),
    positionals: command.args,
  });
}

function configFile<S extends SettingsSchema>(
  path: string,
  schema: S,
  flags: Readonly<Record<string, unknown>>,
): ConfigFile<z.output<S>> {
  return {
    path,
    read: (text) => {
      const file = parseYaml(path, text);
      return file.ok ? readSettings(schema, { flags, file: file.value, fileName: path }) : file;
    },
  };
}

/** Only what was typed: commander's own defaults (a `--no-x` switch has one) are not settings. */
function givenOptions(command: Command): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(command.opts<Record<string, unknown>>())) {
    if (command.getOptionValueSource(key) !== "cli") continue;
    given[key] = value;
  }
  return given;
}

/**
 * A flag that is given twice means both. `""` is a list of nothing, which a list of one empty text never has to be.
 * BOUNDED: by the command line.
 */
function addToList(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...(text === "" ? [] : text.split(","))];
}

function readTextFile<T>(
  path: string,
  read: (text: string) => Result<T, string>,
): Result<T, string> {
  try {
    return read(readFileSync(path, "utf8"));
  } catch (error) {
    return err(cannotRead(path, error));
  }
}

function parseYaml(path: string, text: string): Result<unknown, string> {
  try {
    return ok(parse(text));
  } catch (error) {
    return err(cannotRead(path, error));
  }
}

function cannotRead(path: string, error: unknown): string {
  return `cannot read config file ${path}: ${error instanceof Error ? error.message : String(error)}`;
}
