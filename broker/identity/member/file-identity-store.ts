import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { hasCode, replaceFile } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/make-folder.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { MemberIdentity, MemberMaterial } from "./member-identity.ts";
import { decodeIdentity, encodeIdentity } from "./stored-identity.ts";

const IDENTITY_FILE = "member-identity.json";
const JOIN_KEY_FILE = "join-key.pem";

/** One file, mode 0600, so that key and certificate cannot come apart. */
export class FileIdentityStore implements IdentityStore {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, { clock }: { readonly clock: Clock }) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async load(): Promise<Result<MemberIdentity | undefined, string>> {
    const path = join(this.#folder, IDENTITY_FILE);
    const text = await this.#read(path);
    if (!text.ok) return text;
    if (text.value === undefined) return ok(undefined);
    const identity = decodeIdentity(text.value, this.#clock.nowMs());
    return identity.ok ? identity : err(`${identity.error} (${path})`);
  }

  async save(identity: MemberMaterial): Promise<Result<undefined, string>> {
    const saved = await this.#write(IDENTITY_FILE, encodeIdentity(identity));
    if (saved.ok) await rm(join(this.#folder, JOIN_KEY_FILE), { force: true });
    return saved;
  }

  async remove(): Promise<Result<undefined, string>> {
    try {
      for (const name of [IDENTITY_FILE, JOIN_KEY_FILE]) {
        await rm(join(this.#folder, name), { force: true });
      }
      return ok(undefined);
    } catch (error) {
      return err(`cannot remove member identity: ${messageOf(error)}`);
    }
  }

  loadJoinKey(): Promise<Result<string | undefined, string>> {
    return this.#read(join(this.#folder, JOIN_KEY_FILE));
  }

  saveJoinKey(keyPem: string): Promise<Result<undefined, string>> {
    return this.#write(JOIN_KEY_FILE, keyPem);
  }

  async #read(path: string): Promise<Result<string | undefined, string>> {
    try {
      return ok(await readFile(path, "utf8"));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return ok(undefined);
      return err(`cannot read member identity: ${messageOf(error)}`);
    }
  }

  async #write(name: string, content: string): Promise<Result<undefined, string>> {
    try {
      await makeFolder(this.#folder);
      await replaceFile(join(this.#folder, name), content);
      return ok(undefined);
    } catch (error) {
      return err(`cannot write member identity: ${messageOf(error)}`);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}
