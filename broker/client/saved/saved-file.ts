import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { createZstdCompress, zstdDecompress } from "node:zlib";
import { err, ok, type Result } from "../../../api/result.ts";
import { hasCode, removeLeftCopies, replaceFile } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/make-folder.ts";
import { decodeSaved, encodeSaved, type SavedBy } from "./saved-codec.ts";
import type { SavedState } from "./saved-state.ts";
import { schemaFingerprint } from "./schema-fingerprint.ts";

const MAGIC = Buffer.from("isthmus1");
const DIGEST_BYTES = 32;

/** Of a file: rows are much alike, so that it holds some ten times as much. */
const FILE_BYTES_MAX = 128 * 2 ** 20;
/** Of what is in it: about 3,000,000 rows. A member with more starts without. */
const PLAIN_BYTES_MAX = 2 ** 30;

const decompress = promisify(zstdDecompress);

/**
 * Where a member's process leaves its state: eight bytes that name the format, one zstd frame of records, SHA-256 of it all. Replaced
 * whole. Losing it costs nothing but traffic, so whatever is wrong with it means that there is none.
 */
export class SavedFile {
  readonly #path: string;
  readonly #by: SavedBy;

  constructor(path: string, by: Omit<SavedBy, "schema">) {
    this.#path = path;
    this.#by = { ...by, schema: schemaFingerprint() };
  }

  /** Undefined: there is none, or it is of another life or version. Error: what is wrong with it. */
  async load(): Promise<Result<SavedState | undefined, string>> {
    try {
      await removeLeftCopies(this.#path);
      const { size } = await stat(this.#path);
      if (size > FILE_BYTES_MAX) {
        return this.#wrong(`must be at most ${FILE_BYTES_MAX} bytes: got ${size}`);
      }
      return await this.#read(await readFile(this.#path));
    } catch (error) {
      return hasCode(error, "ENOENT") ? ok(undefined) : this.#wrong(textOf(error));
    }
  }

  /** What was saved before stays when it fails. */
  async save(state: SavedState): Promise<Result<void, string>> {
    try {
      await makeFolder(dirname(this.#path));
      await replaceFile(this.#path, contentOf(encodeSaved(state, this.#by)));
      return ok(undefined);
    } catch (error) {
      return err(`cannot save state to ${this.#path}: ${textOf(error)}`);
    }
  }

  /** Whatever life and version it is of; none is fine. */
  async remove(): Promise<Result<void, string>> {
    try {
      await rm(this.#path, { force: true });
      await removeLeftCopies(this.#path);
      return ok(undefined);
    } catch (error) {
      return err(`cannot remove saved state ${this.#path}: ${textOf(error)}`);
    }
  }

  async #read(file: Buffer): Promise<Result<SavedState | undefined, string>> {
    const body = file.subarray(0, -DIGEST_BYTES);
    const isWhole =
      body.subarray(0, MAGIC.length).equals(MAGIC) &&
      createHash("sha256").update(body).digest().equals(file.subarray(-DIGEST_BYTES));
    if (!isWhole) return this.#wrong("must end with its digest: it is damaged");
    const plain = await decompress(body.subarray(MAGIC.length), {
      maxOutputLength: PLAIN_BYTES_MAX,
    });
    const state = decodeSaved(plain, this.#by);
    return state.ok ? state : this.#wrong(state.error);
  }

  #wrong(text: string): Result<never, string> {
    return err(`cannot read saved state ${this.#path}: ${text}`);
  }
}

async function* contentOf(blocks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256").update(MAGIC);
  yield MAGIC;
  const plain = Readable.from(bounded(blocks));
  const zstd = createZstdCompress();
  // An error of the source would otherwise never reach the reader.
  plain.once("error", (error) => zstd.destroy(error));
  let bytes = MAGIC.length + DIGEST_BYTES;
  for await (const chunk of plain.pipe(zstd) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > FILE_BYTES_MAX) throw tooLarge("file", FILE_BYTES_MAX);
    hash.update(chunk);
    yield chunk;
  }
  yield hash.digest();
}

function* bounded(blocks: Iterable<Uint8Array>): IterableIterator<Uint8Array> {
  let bytes = 0;
  for (const block of blocks) {
    bytes += block.length;
    if (bytes > PLAIN_BYTES_MAX) throw tooLarge("content", PLAIN_BYTES_MAX);
    yield block;
  }
}

function tooLarge(what: string, max: number): Error {
  return new Error(`${what} must be at most ${max} bytes: got more`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}
