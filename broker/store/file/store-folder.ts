import { type FileHandle, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../files/make-folder.ts";

/** The few file operations the store is made of: a port, so that tests can fill the disk. Failures throw. */
export interface StoreFolder {
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** An empty file, replacing one of that name. */
  create(name: string): Promise<LogFile>;
  /** An existing file, cut to `bytes`, to append to. */
  reopen(name: string, bytes: number): Promise<LogFile>;
  /** Durable and atomic: after it the file has its new name, or the old one. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface LogFile {
  append(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A folder of the machine's file system, made when missing, readable by its owner only. */
export async function openSystemFolder(path: string): Promise<StoreFolder> {
  await makeFolder(path);
  return {
    list: () => readdir(path),
    read: (name) => readFile(join(path, name)),
    create: async (name) => toLogFile(await open(join(path, name), "w", 0o600)),
    reopen: async (name, bytes) => {
      const handle = await open(join(path, name), "a");
      try {
        await handle.truncate(bytes);
        await handle.sync();
      } catch (error) {
        await handle.close();
        throw error;
      }
      return toLogFile(handle);
    },
    rename: async (from, to) => {
      await rename(join(path, from), join(path, to));
      await syncFolder(path);
    },
    remove: (name) => rm(join(path, name), { force: true }),
  };
}

function toLogFile(handle: FileHandle): LogFile {
  return {
    append: async (bytes) => {
      // FileHandle.writeFile goes on after partial writes.
      await handle.writeFile(bytes);
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** A new name is durable only once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
