import type { Result } from "../../../api/result.ts";
import { departuresPath, storePath } from "../../data-dir.ts";
import type { FileStoreDeps, FileStoreOptions } from "../file/file-store.ts";
import { openFileStore } from "../file/open-file-store.ts";
import type { Store, StoreError } from "../store.ts";
import { DepartureLedger } from "./departure-ledger.ts";
import { agreeAboutDepartures } from "./departures.ts";

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
  const agreed = await agreeAboutDepartures(opened.value, departures);
  if (agreed.ok) return opened;
  await opened.value.close();
  return agreed;
}
