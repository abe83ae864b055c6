import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "./atomic-file.ts";

/** Only the owner enters: keys, hashed tokens, rows. */
const MODE = 0o700;

/**
 * Makes a folder, and those above it, when missing. Throws the system's error. Not mkdir's own `recursive`: that
 * never returns where a file system refuses to make a folder in one that exists, as /proc does (Node 24).
 */
export async function makeFolder(path: string): Promise<void> {
  if (await tryMake(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  await makeOnce(path);
}

/** False when the folder above it is missing. */
async function tryMake(path: string): Promise<boolean> {
  try {
    await makeOnce(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Fine when it is there, or another process makes it at the same time. */
async function makeOnce(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: MODE });
  } catch (error) {
    const isThere = !hasCode(error, "ENOENT") && (await isFolder(path));
    if (!isThere) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // What makes it impossible to look is said better by the error of making it.
    return false;
  }
}
