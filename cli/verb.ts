import type { z } from "zod";
import type { Result } from "../api/result.ts";
import type { SettingsSchema } from "../runtime/config/settings.ts";
import type { PoolChannel } from "./dns/workers/worker-process.ts";

/** One command of the `isthmus` program. */
export interface Verb<S extends SettingsSchema = SettingsSchema> {
  readonly summary: string;
  /** Positional arguments, in order; all of them required. */
  readonly positionals?: readonly { readonly name: string; readonly description: string }[];
  readonly settings: S;
  /** It serves until it is stopped: SIGHUP, whatever it means to the verb, does not stop it. */
  readonly isService?: true;
  run(input: VerbInput<z.output<S>>): Promise<ExitCode>;
}

export interface VerbInput<T> {
  readonly settings: T;
  /** The file named by `--config`, for those who follow what it says while they run. */
  readonly config?: ConfigFile<T>;
  readonly positionals: readonly string[];
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** SIGHUP calls the listener instead of stopping the process, as long as it is subscribed. */
  readonly onHangup: (listener: () => void) => () => void;
  /** The file that this program was started from: starts further processes of it. */
  readonly program: string;
  /** Arguments behind the verb as they were typed. */
  readonly args: readonly string[];
  /** The channel to the pool that started this process; absent when none did. */
  readonly pool?: PoolChannel;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
}

export interface ConfigFile<T> {
  readonly path: string;
  /** The settings if the file said this; flags still win. */
  readonly read: (text: string) => Result<T, string>;
}

/** What a person or a script reads; logs go elsewhere. */
export interface Output {
  line(text: string): void;
  /** To standard error. */
  problem(text: string): void;
}

/** 0: done; 1: failed, or something is wrong, said what; 2: called wrongly; 3: nothing wrong was found, but not all could be tested. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Keeps the settings' type from the schema to `run`. */
export function defineVerb<S extends SettingsSchema>(verb: Verb<S>): Verb<S> {
  return verb;
}
