import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { hasCode, replaceFile } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/make-folder.ts";
import type { IdentityStore } from "./identity-store.ts";
import {
  type MemberIdentity,
  type MemberMaterial,
  parseMemberIdentity,
} from "./member-identity.ts";

const IDENTITY_FILE = "member-identity.json";
const JOIN_KEY_FILE = "join-key.pem";

const material = z.strictObject({
  keyPem: z.string(),
  certPem: z.string(),
  caPem: z.string(),
  brokerAddress: z.string().min(1),
});

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
    const parts = parseMaterial(text.value);
    if (!parts.ok) return err(`${parts.error} (${path})`);
    const identity = parseMemberIdentity(parts.value, this.#clock.nowMs());
    return identity.ok ? identity : err(`${identity.error} (${path})`);
  }

  async save(identity: MemberMaterial): Promise<Result<undefined, string>> {
    // Whole identities are given too: what else is known of them is read from the certificate.
    const { keyPem, certPem, caPem, brokerAddress } = identity;
    const parts: z.output<typeof material> = { keyPem, certPem, caPem, brokerAddress };
    const saved = await this.#write(IDENTITY_FILE, `${JSON.stringify(parts, undefined, 2)}\n`);
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

function parseMaterial(text: string): Result<MemberMaterial, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(
      `cannot read member identity: must be JSON: got ${text.length} characters of something else`,
    );
  }
  const parsed = material.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err(
    `cannot read member identity: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}
