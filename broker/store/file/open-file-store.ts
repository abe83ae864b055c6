import { err, type Result } from "../../../api/result.ts";
import type { StoreError } from "../store.ts";
import { FileStore, type FileStoreDeps, type FileStoreOptions } from "./file-store.ts";
import { lockFolder } from "./folder-lock.ts";
import { openSystemFolder } from "./store-folder.ts";

/**
 * The store in a folder of this machine, which it makes when missing and locks until closed.
 * Error: another broker uses the folder, or it cannot be read or written.
 */
export async function openFileStore(
  options: FileStoreOptions & { readonly path: string },
  deps: Omit<FileStoreDeps, "folder" | "lock">,
): Promise<Result<FileStore, StoreError>> {
  const { path } = options;
  let folder: FileStoreDeps["folder"];
  try {
    folder = await openSystemFolder(path);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return err({ kind: "store-failed", text: `cannot open store ${path}: ${cause}` });
  }
  const lock = lockFolder(path);
  if (!lock.ok) return err({ kind: "store-failed", text: lock.error });
  const opened = await FileStore.open(options, { ...deps, folder, lock: lock.value });
  if (!opened.ok) lock.value.release();
  return opened;
}
