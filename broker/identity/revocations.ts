import { z } from "zod";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { SharedRecords } from "../shared/shared-records.ts";
import type { Store } from "../store/store.ts";
import type { TokenBook } from "./token/token-book.ts";

/** What becomes of a revoked member's rows: withdrawn from all members, or kept as they are until it joins again. */
export type RevokedRows = "withdraw" | "freeze";

export interface Revoked {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly rows: RevokedRows;
}

interface Deps {
  readonly records: SharedRecords;
  readonly store: Pick<Store, "table" | "putMember" | "removeMember" | "append">;
  readonly tokens: TokenBook;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

const GROUP = "revoked";
const schema = z.strictObject({
  incarnation: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  atMs: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
});

/**
 * Ends members' lives by an admin's word. The store tells every replica, which cuts the stream and refuses the certificate.
 * Frozen lives are kept apart too (`revoked/<cluster id>`): a store that is lost must not let them in again.
 */
export class Revocations {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Durable when it resolves. A frozen member's rows may be withdrawn later. Error: it is no member, or nothing could be written. */
  async revoke(name: string, rows: RevokedRows): Promise<Result<Revoked, string>> {
    const { store, tokens, audit } = this.#deps;
    const cluster = parseClusterId(name);
    if (!cluster.ok) return cluster;
    const member = store.table.member(cluster.value);
    if (member === undefined) {
      const departed = store.table.departed(cluster.value);
      const seen = departed === undefined ? "never joined" : "left or was revoked before";
      return err(`cannot revoke: must be a member: ${cluster.value} ${seen}`);
    }
    // First: nobody may come back with a token that is still open.
    const withdrawn = await tokens.withdraw(cluster.value);
    if (!withdrawn.ok) return withdrawn;
    const { incarnation } = member;
    const ended =
      rows === "freeze"
        ? await this.#freeze(cluster.value, incarnation)
        : await this.#withdraw(cluster.value);
    if (!ended.ok) return ended;
    const revoked = { cluster: cluster.value, incarnation, rows };
    audit.record({ kind: "revoked", ...revoked });
    const next = store.table.member(cluster.value);
    if (next === undefined || next.incarnation <= incarnation) return ok(revoked);
    // This replica had not heard of it: the admin meant whoever is there now.
    return err(
      `cannot revoke: must be its present life: ${cluster.value} joined again meanwhile, with incarnation ${next.incarnation}: revoke it again`,
    );
  }

  /** To be called before the first member can come: what the store has lost of this is brought back. */
  async restore(): Promise<Result<void, string>> {
    const listed = await this.#deps.records.list(GROUP);
    if (!listed.ok) return listed;
    for (const { key, text } of listed.value) {
      const cluster = parseClusterId(key.slice(GROUP.length + 1));
      if (!cluster.ok) return err(`cannot read revocation: ${cluster.error}`);
      const frozen = parseFrozen(text);
      if (!frozen.ok) return err(`${frozen.error} (${key})`);
      const restored = await this.#restore(cluster.value, frozen.value);
      if (!restored.ok) return restored;
    }
    return ok(undefined);
  }

  async #restore(
    cluster: ClusterId,
    { incarnation, atMs }: z.output<typeof schema>,
  ): Promise<Result<void, string>> {
    const { store, records } = this.#deps;
    const member = store.table.member(cluster);
    const isOver = (store.table.departed(cluster) ?? -1) >= incarnation;
    if (isOver || (member !== undefined && member.incarnation > incarnation)) {
      return records.delete(`${GROUP}/${cluster}`);
    }
    if (member?.incarnation === incarnation) {
      if (member.frozenAtMs !== undefined) return ok(undefined);
      return stored(await store.putMember({ ...member, frozenAtMs: atMs }));
    }
    // Its rows were lost with the store: there is nothing to keep, and it must not send them again.
    return stored(await store.append([{ kind: "gone", cluster, incarnation }]));
  }

  async #freeze(cluster: ClusterId, incarnation: number): Promise<Result<void, string>> {
    const { records, store, clock } = this.#deps;
    const frozenAtMs = clock.nowMs();
    const key = `${GROUP}/${cluster}`;
    const text = JSON.stringify({ incarnation, atMs: frozenAtMs });
    const cleared = await records.delete(key);
    if (!cleared.ok) return cleared;
    const created = await records.create(key, text);
    if (!created.ok) return created;
    const member = store.table.member(cluster);
    // Left, or in its next life already: then there is nothing to keep out.
    if (member?.incarnation !== incarnation) return ok(undefined);
    return stored(await store.putMember({ ...member, frozenAtMs }));
  }

  async #withdraw(cluster: ClusterId): Promise<Result<void, string>> {
    const removed = stored(await this.#deps.store.removeMember(cluster));
    return removed.ok ? this.#deps.records.delete(`${GROUP}/${cluster}`) : removed;
  }
}

function stored(result: Awaited<ReturnType<Store["putMember"]>>): Result<void, string> {
  return result.ok ? ok(undefined) : err(result.error.text);
}

function parseFrozen(text: string): Result<z.output<typeof schema>, string> {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return ok(parsed.data);
    const [issue] = parsed.error.issues;
    return err(`cannot read revocation: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  } catch {
    return err(`cannot read revocation: must be JSON: got ${text.length} characters`);
  }
}
