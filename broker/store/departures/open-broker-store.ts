import { err, ok, type Result } from "../../../api/result.ts";
import { departuresPath, storePath } from "../../data-dir.ts";
import type { FileStore, FileStoreDeps, FileStoreOptions } from "../file/file-store.ts";
import { openFileStore } from "../file/open-file-store.ts";
import type { Store, StoreError } from "../store.ts";
import { DepartureLedger } from "./departure-ledger.ts";

/**
 * The store of a broker's data directory, which remembers who left even when its rows are lost: what the ledger
 * beside it knows is brought into the store, and every departure is written to the ledger first.
 */
export async function openBrokerStore(
  options: FileStoreOptions & { readonly dataDir: string },
  deps: Omit<FileStoreDeps, "folder" | "lock" | "departures">,
): Promise<Result<Store, StoreError>> {
  const { dataDir } = options;
  const departures = new DepartureLedger(departuresPath(dataDir));
  const opened = await openFileStore(
    { ...options, path: storePath(dataDir) },
    { ...deps, departures },
  );
  if (!opened.ok) return opened;
  // Only now: the store's lock makes this broker the only one that writes either.
  const agreed = await agree(opened.value, departures);
  if (agreed.ok) return opened;
  await opened.value.close();
  return agreed;
}

/** Each learns what only the other knows: a store that was lost, or one from before there was a ledger. */
async function agree(
  store: FileStore,
  departures: DepartureLedger,
): Promise<Result<void, StoreError>> {
  const loaded = await departures.load();
  if (!loaded.ok) return err({ kind: "store-failed", text: loaded.error });
  for (const [cluster, incarnation] of departures.departed) {
    if ((store.table.departed(cluster) ?? -1) >= incarnation) continue;
    const told = await store.append([{ kind: "gone", cluster, incarnation }]);
    if (!told.ok) return told;
  }
  for (const [cluster, incarnation] of store.table.departures()) {
    const recorded = await departures.record(cluster, incarnation);
    if (!recorded.ok) return err({ kind: "store-failed", text: recorded.error });
  }
  return ok(undefined);
}
