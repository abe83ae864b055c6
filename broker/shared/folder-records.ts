import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { invariant } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { createFile, hasCode, replaceFile } from "../files/atomic-file.ts";
import { makeFolder } from "../files/make-folder.ts";
import {
  SHARED_KEY,
  SHARED_TEXT_MAX,
  type SharedRecord,
  type SharedRecords,
} from "./shared-records.ts";

const SUFFIX = ".json";

/**
 * Shared records as files of a broker's data folder, mode 0600: `key.json`, `group/name.json`. Any process may create and
 * delete; only the one broker that holds the folder may replace, since a file system has no compare-and-swap.
 */
export class FolderRecords implements SharedRecords {
  readonly #folder: string;
  /** Replacing runs one after another, so that reading and writing are one step. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(key: string): Promise<Result<SharedRecord | undefined, string>> {
    return attempt("read", () => this.#read(key));
  }

  create(key: string, text: string): Promise<Result<boolean, string>> {
    checkText(text);
    return attempt("create", async () => {
      const path = this.#path(key);
      await makeFolder(dirname(path));
      return createFile(path, text);
    });
  }

  replace(key: string, text: string, revision: string): Promise<Result<boolean, string>> {
    checkText(text);
    const turn = this.#last.then(() =>
      attempt("replace", async () => {
        const present = await this.#read(key);
        if (present?.revision !== revision) return false;
        await replaceFile(this.#path(key), text);
        return true;
      }),
    );
    this.#last = turn;
    return turn;
  }

  list(group: string): Promise<Result<readonly SharedRecord[], string>> {
    return attempt("list", async () => {
      const records: SharedRecord[] = [];
      for (const file of await filesOf(dirname(this.#path(`${group}/x`)))) {
        const key = `${group}/${file.slice(0, -SUFFIX.length)}`;
        if (!file.endsWith(SUFFIX) || !SHARED_KEY.test(key)) continue;
        // One that has gone since it was listed.
        const record = await this.#read(key);
        if (record !== undefined) records.push(record);
      }
      return records;
    });
  }

  all(): Promise<Result<readonly SharedRecord[], string>> {
    return attempt("list", async () => {
      const records: SharedRecord[] = [];
      for (const entry of await filesOf(this.#folder)) {
        const isFile = entry.endsWith(SUFFIX);
        const files = isFile ? [entry] : await filesOf(join(this.#folder, entry));
        for (const file of files.filter((name) => name.endsWith(SUFFIX))) {
          const name = file.slice(0, -SUFFIX.length);
          const key = isFile ? name : `${entry}/${name}`;
          const record = SHARED_KEY.test(key) ? await this.#read(key) : undefined;
          if (record !== undefined) records.push(record);
        }
      }
      return records;
    });
  }

  delete(key: string): Promise<Result<void, string>> {
    return attempt("delete", () => rm(this.#path(key), { force: true }));
  }

  async #read(key: string): Promise<SharedRecord | undefined> {
    try {
      const text = await readFile(this.#path(key), "utf8");
      return { key, text, revision: createHash("sha256").update(text).digest("base64url") };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  #path(key: string): string {
    invariant(SHARED_KEY.test(key), "a shared record's key is name or group/name");
    return join(this.#folder, `${key}${SUFFIX}`);
  }
}

function checkText(text: string): void {
  invariant(text.length <= SHARED_TEXT_MAX, "a shared record is small");
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return [];
    throw error;
  }
}

async function attempt<T>(verb: string, act: () => Promise<T>): Promise<Result<T, string>> {
  try {
    return ok(await act());
  } catch (error) {
    return err(
      `cannot ${verb} shared record: ${error instanceof Error ? error.message : "unknown error"}`,
    );
  }
}
