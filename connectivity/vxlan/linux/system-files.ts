import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** The few things that the data path does with files: kernel settings, and what it has to remember. */
export interface Files {
  /** Undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** In place, as kernel settings want it. */
  write(path: string, text: string): Promise<void>;
  /** Old or new, never half; readable by its owner alone. Makes the directory. */
  replace(path: string, text: string): Promise<void>;
  /** As `replace`; false when the file exists already, and then it stays. */
  create(path: string, text: string): Promise<boolean>;
  /** Names in a directory; none when it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** Harmless when it does not exist. */
  remove(path: string): Promise<void>;
  /** Only when empty; harmless otherwise. */
  removeDirectory(path: string): Promise<void>;
}

const PRIVATE = 0o600;

export const systemFiles: Files = {
  read: (path) =>
    readFile(path, "utf8").catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return undefined;
      throw error;
    }),
  write: (path, text) => writeFile(path, text),
  async replace(path, text) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const next = `${path}.next`;
    await writeFile(next, text, { mode: PRIVATE });
    await rename(next, path);
  },
  async create(path, text) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await writeFile(path, text, { mode: PRIVATE, flag: "wx" });
      return true;
    } catch (error) {
      if (isCode(error, "EEXIST")) return false;
      throw error;
    }
  },
  list: (path) =>
    readdir(path).catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return [];
      throw error;
    }),
  remove: (path) => rm(path, { force: true }),
  removeDirectory: (path) => rmdir(path).catch(() => undefined),
};

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
