import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { hasCode, replaceFile } from "../../files/atomic-file.ts";

const schema = z.strictObject({
  formatVersion: z.literal(1),
  /** Cluster id to the last incarnation that is over. */
  departed: z.record(z.string(), z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)),
});

/**
 * Which clusters left, and their last incarnation, in a file of its own: rows can be sent again by their owners,
 * but that a certificate is void is known to the broker alone. So it must outlive a store that is lost.
 */
export class DepartureLedger {
  readonly #path: string;
  /** BOUNDED: by the clusters an admin ever removed. */
  #departed: ReadonlyMap<ClusterId, number> = new Map();
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** To be called first, by the only broker of the folder. Error: the file is damaged, and left as it is: who may connect cannot be told without it. */
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

  /** Resolves once it is durable; never forgets a later departure. Error: it could not be written. */
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
