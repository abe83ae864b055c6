import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Only the owner reads: keys, hashed tokens. */
const MODE = 0o600;

/** Replaces a file so that a reader, or a crash at any point, sees the old content or the new, never a part. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await withSyncedCopy(path, content, (copy) => rename(copy, path));
}

/** Creates a file whole; false when it exists already: of two racing processes exactly one gets true. */
export async function createFile(path: string, content: string): Promise<boolean> {
  try {
    await withSyncedCopy(path, content, (copy) => link(copy, path));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** True for a file system error with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

async function withSyncedCopy(
  path: string,
  content: string,
  place: (copy: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const copy = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(copy, "wx", MODE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(copy);
    await syncFolder(folder);
  } finally {
    await rm(copy, { force: true });
  }
}

/** A name is durable only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
