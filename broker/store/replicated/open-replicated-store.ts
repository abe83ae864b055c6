import { randomUUID } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { StoreError } from "../store.ts";
import { META_NAME } from "./item-names.ts";
import {
  ReplicatedStore,
  type ReplicatedStoreDeps,
  type ReplicatedStoreOptions,
} from "./replicated-store.ts";
import { encodeMeta, parseMeta, type StoreMeta } from "./store-meta.ts";

export interface OpenReplicatedOptions
  extends Pick<ReplicatedStoreOptions, "tombstonesMax" | "tailEntries"> {
  /** What people call this replica: a pod's name, say. @default "broker" */
  readonly replica?: string;
}

const RETRY = { firstMs: 200, maxMs: 5000 };

/**
 * Opens the store in a space, which begins one with a new epoch when it is empty. Waits for an engine that does not
 * answer until the signal aborts. Error: the engine refuses, or the contents cannot be read. Closes the space then.
 */
export async function openReplicatedStore(
  options: OpenReplicatedOptions,
  deps: ReplicatedStoreDeps,
  signal: AbortSignal,
): Promise<Result<ReplicatedStore, StoreError>> {
  const meta = await openMeta(deps, signal);
  if (!meta.ok) {
    await deps.space.close();
    return err({ kind: "store-failed", text: `cannot open store: ${meta.error}` });
  }
  const { replica = "broker", ...rest } = options;
  // Unlike its own earlier lives too: what those wrote must not be taken for its own.
  const unique = `${replica
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)}-${randomUUID().slice(0, 8)}`;
  const store = new ReplicatedStore({ ...rest, epoch: meta.value.epoch, replica: unique }, deps);
  const synced = await Promise.race([store.synced(), aborted(signal)]);
  if (synced.ok) return ok(store);
  await store.close();
  return synced;
}

async function openMeta(
  { space, clock, random, log }: ReplicatedStoreDeps,
  signal: AbortSignal,
): Promise<Result<StoreMeta, string>> {
  let reason = "not asked yet";
  for (let attempt = 0; !signal.aborted; attempt++) {
    const found = await space.read(META_NAME);
    if (found.ok && found.value !== undefined) return parseMeta(found.value.data);
    if (found.ok) {
      const data = encodeMeta({ epoch: randomUUID() });
      // Whoever is first decides: read again.
      const created = await space.create({ name: META_NAME, data, about: { kind: "meta" } });
      if (created.ok || created.error.kind === "conflict") continue;
      reason = created.error.text;
      if (created.error.kind === "refused") return err(reason);
    } else {
      reason = found.error.text;
      if (found.error.kind === "refused") return err(reason);
    }
    const delayMs = backoffMs(RETRY, attempt, random);
    log.warn("store not there yet", { reason, attempt, delayMs });
    await sleep(clock, delayMs, signal);
  }
  return err(`given up: ${reason}`);
}

function aborted(signal: AbortSignal): Promise<Result<never, StoreError>> {
  return new Promise((resolve) => {
    const giveUp = (): void =>
      resolve(
        err({ kind: "store-failed", text: "cannot open store: given up before it was read" }),
      );
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
}
