import { err, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { BrokerPlace } from "../../place/broker-place.ts";
import { AuthorityKeeper } from "../authority/authority-keeper.ts";
import { type CreatedToken, type CreateTokenOptions, createToken } from "./create-token.ts";
import { TokenBook } from "./token-book.ts";

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/**
 * Makes a join token where a broker, running or not, keeps its data. Error: no broker was ever started there, or the
 * cluster id is invalid, taken or claimed.
 */
export async function issueToken(
  place: Pick<BrokerPlace, "name" | "records" | "peekTable">,
  options: CreateTokenOptions,
  deps: Deps,
): Promise<Result<CreatedToken, string>> {
  const { name, records } = place;
  const found = await AuthorityKeeper.find({}, { ...deps, records });
  if (!found.ok) return found;
  const authorities = found.value;
  if (authorities === undefined) {
    return err(`no broker data in ${name}: start "isthmus broker" with the same settings first`);
  }
  const table = await place.peekTable();
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
