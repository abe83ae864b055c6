import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../api/result.ts";
import { createFile, hasCode } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/make-folder.ts";
import {
  parseTokenClaim,
  parseTokenRecord,
  type TokenClaim,
  type TokenRecord,
} from "./token-record.ts";

/** BOUNDED: by this many tokens, expired ones excluded; each is a small file. */
const MAX_TOKENS = 1000;
/** Redeemed and expired tokens stay this long, so that "expired" and "used" can be told from "unknown". */
const KEEP_EXPIRED_MS = 24 * 3600 * 1000;

/**
 * Tokens as files, `tokens/<id>.json`, and claims, `tokens/used/<id>.json`. Processes share the folder:
 * `isthmus token create` writes beside a running broker. A claim is created exclusively and whole, so of
 * two redeemers one wins, and a crash leaves a token either open or claimed.
 */
export class TokenFolder {
  readonly #open: string;
  readonly #used: string;
  readonly #maxTokens: number;

  constructor(dataDir: string, maxTokens: number = MAX_TOKENS) {
    this.#maxTokens = maxTokens;
    this.#open = join(dataDir, "tokens");
    this.#used = join(dataDir, "tokens", "used");
  }

  /** Error: the folder holds MAX_TOKENS live tokens already. */
  async add(token: TokenRecord): Promise<Result<undefined, string>> {
    await makeFolder(this.#used);
    const count = await this.#removeExpired(token.createdAtMs);
    if (count >= this.#maxTokens) {
      return err(
        `cannot create join token: at most ${this.#maxTokens} may be open at once: got ${count}`,
      );
    }
    const created = await createFile(join(this.#open, fileName(token.id)), JSON.stringify(token));
    return created ? ok(undefined) : err(`cannot create join token: id ${token.id} exists`);
  }

  /** Undefined: never created here, or forgotten since it expired. */
  async read(id: string): Promise<Result<TokenRecord | undefined, string>> {
    const text = await readIfPresent(join(this.#open, fileName(id)));
    return text === undefined ? ok(undefined) : parseTokenRecord(text);
  }

  async readClaim(id: string): Promise<Result<TokenClaim | undefined, string>> {
    const text = await readIfPresent(join(this.#used, fileName(id)));
    return text === undefined ? ok(undefined) : parseTokenClaim(text);
  }

  /** False: somebody else has claimed it. Durable when it returns. */
  claim(claim: TokenClaim): Promise<boolean> {
    return createFile(join(this.#used, fileName(claim.token.id)), JSON.stringify(claim));
  }

  /** Returns how many unexpired tokens are left. Files that cannot be read count, so that damage stays visible. */
  async #removeExpired(nowMs: number): Promise<number> {
    let live = 0;
    for (const name of await readdir(this.#open)) {
      if (!name.endsWith(".json") || name.startsWith(".")) continue;
      const path = join(this.#open, name);
      const text = await readIfPresent(path);
      if (text === undefined) continue;
      const token = parseTokenRecord(text);
      if (token.ok && token.value.expiresAtMs + KEEP_EXPIRED_MS < nowMs) {
        await rm(join(this.#used, name), { force: true });
        await rm(path, { force: true });
      } else if (!token.ok || token.value.expiresAtMs > nowMs) {
        live += 1;
      }
    }
    return live;
  }
}

/** Ids are checked by the token parser: twelve characters that cannot leave the folder. */
function fileName(id: string): string {
  return `${id}.json`;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
