import { randomBytes } from "node:crypto";
import { link, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Only the owner reads: keys, hashed tokens. */
const MODE = 0o600;

/** A large one comes in parts. */
type Content = string | AsyncIterable<Uint8Array>;

/** Replaces a file so that a reader, or a crash at any point, sees the old content or the new, never a part. */
export async function replaceFile(path: string, content: Content): Promise<void> {
  await withSyncedCopy(path, content, (copy) => rename(copy, path));
}

/** What crashes in the middle of `replaceFile` have left beside a file. */
export async function removeLeftCopies(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = copyPrefix(path);
  for (const name of await namesIn(folder)) {
    const isCopy = name.startsWith(prefix) && name.endsWith(COPY_SUFFIX);
    if (isCopy) await rm(join(folder, name), { force: true });
  }
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

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** True for a file system error with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

const COPY_SUFFIX = ".tmp";

function copyPrefix(path: string): string {
  return `.${basename(path)}.`;
}

async function withSyncedCopy(
  path: string,
  content: Content,
  place: (copy: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const name = `${copyPrefix(path)}${randomBytes(6).toString("hex")}${COPY_SUFFIX}`;
  const copy = join(folder, name);
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
