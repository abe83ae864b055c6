/** A broken assumption of our own code: never caught to be ignored, always a bug. */
export class InvariantError extends Error {
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(fact: string, facts: Readonly<Record<string, unknown>>) {
    super(`invariant broken: ${fact}`);
    this.name = "InvariantError";
    this.facts = facts;
  }
}

export function invariant(
  condition: boolean,
  fact: string,
  facts: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantError(fact, facts);
}

/** Ends an exhaustive switch: compiles only when every case is handled. */
export function assertNever(value: never): never {
  throw new InvariantError("unreachable case", { value });
}
