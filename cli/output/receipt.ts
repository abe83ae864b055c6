import type { Result } from "../../api/result.ts";
import type { ExitCode, Output } from "../verb.ts";
import { type OutputForm, render } from "./render.ts";

/** One thing that a verb did, or found done. */
export interface Step {
  /** What it was about, such as `ConfigMap kube-system/coredns`. */
  readonly what: string;
  /** What became of it, such as `applied` or `removed`. */
  readonly did: string;
  readonly detail?: string;
}

/** Where a verb says what it does, as it does it. */
export interface Steps extends Output {
  /** @param text for people; the same in words when left out */
  step(step: Step, text?: string): void;
}

/**
 * What a verb did, in the form that was asked for: for people line by line as it happens, for programs one document at the end,
 * also of what went wrong half-way: `{ done, ...facts, steps, notes, problems }`. Lists that are empty are left out.
 */
export class Receipt implements Steps {
  readonly #form: OutputForm;
  readonly #out: Output;
  // BOUNDED: by what one run of a command does.
  readonly #steps: Step[] = [];
  readonly #notes: string[] = [];
  readonly #problems: string[] = [];
  #facts: Readonly<Record<string, unknown>> = {};

  constructor(form: OutputForm, out: Output) {
    this.#form = form;
    this.#out = out;
  }

  step(step: Step, text = `${step.what}: ${step.did}`): void {
    this.#steps.push(step);
    if (this.#form === "table") this.#out.line(text);
  }

  /** Told to people in words, and to programs under keys of their own. */
  facts(facts: Readonly<Record<string, unknown>>, ...texts: readonly string[]): void {
    this.#facts = { ...this.#facts, ...facts };
    if (this.#form === "table") for (const text of texts) this.#out.line(text);
  }

  /** What is worth knowing and is no step. */
  line(text: string): void {
    this.#notes.push(text);
    if (this.#form === "table") this.#out.line(text);
  }

  problem(text: string): void {
    this.#problems.push(text);
    this.#out.problem(text);
  }

  /**
   * The last word.
   *
   * @param onwards how to go on where something was done before it went wrong
   * @returns what the verb ends with
   */
  end(done: Result<unknown, string>, onwards?: string): ExitCode {
    if (!done.ok) this.problem(done.error);
    if (!done.ok && onwards !== undefined && this.#steps.length > 0) this.problem(onwards);
    if (this.#form !== "table") {
      const data = {
        ...{ done: done.ok, ...this.#facts },
        ...listOf("steps", this.#steps),
        ...listOf("notes", this.#notes),
        ...listOf("problems", this.#problems),
      };
      this.#out.line(render(this.#form, data, () => ""));
    }
    return done.ok ? 0 : 1;
  }
}

function listOf(key: string, list: readonly unknown[]): Readonly<Record<string, unknown>> {
  return list.length === 0 ? {} : { [key]: list };
}
