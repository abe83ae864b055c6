import { existsSync } from "node:fs";
import { err, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { storePath } from "../../data-dir.ts";
import { peekMembers } from "../../store/file/peek-members.ts";
import { openSystemFolder } from "../../store/file/store-folder.ts";
import { findAuthorityFile } from "../authority/authority-file.ts";
import { type CreatedToken, type CreateTokenOptions, createToken } from "./create-token.ts";
import { TokenFolder } from "./token-folder.ts";

/**
 * Makes a join token in the data directory of a broker, running or not. Error: no broker was ever started on that
 * directory, or the cluster id is invalid or taken.
 */
export async function issueToken(
  dataDir: string,
  options: CreateTokenOptions,
  { clock }: { readonly clock: Clock },
): Promise<Result<CreatedToken, string>> {
  const authority = existsSync(dataDir) ? await findAuthorityFile(dataDir, clock) : undefined;
  if (authority?.ok === false) return authority;
  if (authority?.value === undefined) {
    return err(`no broker data in ${dataDir}: start "isthmus broker --data-dir ${dataDir}" first`);
  }
  const members = await peekMembers(await openSystemFolder(storePath(dataDir)));
  if (!members.ok) return members;
  return createToken(options, {
    folder: new TokenFolder(dataDir),
    members: { members: () => members.value },
    authorityFingerprint: authority.value.fingerprint,
    clock,
  });
}
