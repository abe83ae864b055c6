import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { err, ok, type Result } from "../../../api/result.ts";

export interface FolderLock {
  release(): void;
}

/**
 * Makes this process the only writer of a folder. The lock is the kernel's (Node offers one only through
 * SQLite): it ends with the process however that ends, and holds across containers that share the folder.
 */
export function lockFolder(path: string): Result<FolderLock, string> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(path, "lock.db"));
    // Without a journal there is no file to recover after a crash: nothing is ever written.
    database.exec("PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  } catch (cause) {
    database?.close();
    const text = cause instanceof Error ? cause.message : String(cause);
    return /locked|busy/i.test(text)
      ? err(`cannot open store ${path}: only one broker may use it: another one does`)
      : err(`cannot open store ${path}: cannot lock it: ${text}`);
  }
  const held = database;
  return ok({
    release: () => {
      if (held.isOpen) held.close();
    },
  });
}
