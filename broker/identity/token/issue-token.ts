import { existsSync } from "node:fs";
import { err, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { AuditLog } from "../../audit/audit-log.ts";
import { storePath } from "../../data-dir.ts";
import { FolderRecords } from "../../shared/folder-records.ts";
import { peekTable } from "../../store/file/peek-table.ts";
import { openSystemFolder } from "../../store/file/store-folder.ts";
import { AuthorityKeeper } from "../authority/authority-keeper.ts";
import { type CreatedToken, type CreateTokenOptions, createToken } from "./create-token.ts";
import { TokenBook } from "./token-book.ts";

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/**
 * Makes a join token in the data directory of a broker, running or not. Error: no broker was ever started on that
 * directory, or the cluster id is invalid, taken or claimed.
 */
export async function issueToken(
  dataDir: string,
  options: CreateTokenOptions,
  deps: Deps,
): Promise<Result<CreatedToken, string>> {
  const records = new FolderRecords(dataDir);
  const found = existsSync(dataDir)
    ? await AuthorityKeeper.find({}, { ...deps, records })
    : undefined;
  if (found?.ok === false) return found;
  const authorities = found?.value;
  if (authorities === undefined) {
    return err(`no broker data in ${dataDir}: start "isthmus broker --data-dir ${dataDir}" first`);
  }
  const table = await peekTable(await openSystemFolder(storePath(dataDir)));
  if (!table.ok) return table;
  const tokens = new TokenBook(records);
  const { tokenPins: pins } = authorities;
  const members = { table: table.value };
  const created = await createToken(options, { ...deps, tokens, members, pins });
  if (!created.ok) return created;
  const looked = await authorities.look();
  if (!looked.ok) return looked;
  if (authorities.tokenPins.join() === pins.join()) return created;
  // A rotation that has just begun does not wait for a token that it could not see.
  const withdrawn = await tokens.withdraw(created.value.record.clusterId);
  return withdrawn.ok
    ? err("cannot create join token: the authority changed meanwhile: try again")
    : withdrawn;
}
