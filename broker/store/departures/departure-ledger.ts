import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { hasCode, replaceFile } from "../../files/atomic-file.ts";
import type { Departures } from "./departures.ts";

const schema = z.strictObject({
  formatVersion: z.literal(1),
  /** Cluster id to the last incarnation that is over. */
  departed: z.record(z.string(), z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)),
});

/** Departures in a file of a broker's data directory. A damaged file is left as it is. Used by one broker at a time. */
export class DepartureLedger implements Departures {
  readonly #path: string;
  /** BOUNDED: by the clusters an admin ever removed. */
  #departed: ReadonlyMap<ClusterId, number> = new Map();
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<Result<void, string>> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (hasCode(error, "ENOENT")) return ok(undefined);
      return err(`cannot read departures: ${error instanceof Error ? error.message : "unknown"}`);
    }
    const departed = parseDepartures(text);
    if (!departed.ok) return err(`cannot read departures: ${this.#path}: ${departed.error}`);
    this.#departed = departed.value;
    return ok(undefined);
  }

  get departed(): ReadonlyMap<ClusterId, number> {
    return this.#departed;
  }

  record(cluster: ClusterId, incarnation: number): Promise<Result<void, string>> {
    // One after another: each writes the whole file.
    const turn = this.#last.then(() => this.#record(cluster, incarnation));
    this.#last = turn;
    return turn;
  }

  async #record(cluster: ClusterId, incarnation: number): Promise<Result<void, string>> {
    if ((this.#departed.get(cluster) ?? -1) >= incarnation) return ok(undefined);
    const departed = new Map(this.#departed).set(cluster, incarnation);
    const text = JSON.stringify({ formatVersion: 1, departed: Object.fromEntries(departed) });
    try {
      await replaceFile(this.#path, text);
    } catch (error) {
      return err(`cannot write departures: ${error instanceof Error ? error.message : "unknown"}`);
    }
    this.#departed = departed;
    return ok(undefined);
  }
}

function parseDepartures(text: string): Result<ReadonlyMap<ClusterId, number>, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err(`must be JSON: got ${text.length} characters of something else`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const departed = new Map<ClusterId, number>();
  for (const [name, incarnation] of Object.entries(parsed.data.departed)) {
    const cluster = parseClusterId(name);
    if (!cluster.ok) return cluster;
    departed.set(cluster.value, incarnation);
  }
  return ok(departed);
}
