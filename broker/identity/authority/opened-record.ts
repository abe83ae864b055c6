import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { SharedRecord, SharedRecords } from "../../shared/shared-records.ts";
import {
  AUTHORITY_KEY,
  type AuthorityRecord,
  formatAuthorityRecord,
  parseAuthorityRecord,
} from "./authority-record.ts";
import { CertificateAuthority, createAuthorityMaterial } from "./certificate-authority.ts";

/** The authority record as it was read, with its authorities opened. */
export interface OpenedRecord {
  readonly revision: string;
  readonly record: AuthorityRecord;
  readonly current: CertificateAuthority;
  readonly next: CertificateAuthority | undefined;
}

/** The record, made when there is none: of several that do so at once, all get the same. */
export async function findOrCreate(
  clusterset: string,
  { records, clock }: { readonly records: SharedRecords; readonly clock: Clock },
): Promise<Result<SharedRecord, string>> {
  const found = await records.read(AUTHORITY_KEY);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok(found.value);
  const made = await createAuthorityMaterial(clusterset, clock);
  if (!made.ok) return made;
  // False: another one was first, and its authority is the one.
  const created = await records.create(
    AUTHORITY_KEY,
    formatAuthorityRecord({ current: made.value }),
  );
  if (!created.ok) return created;
  const again = await records.read(AUTHORITY_KEY);
  if (!again.ok) return again;
  return again.value === undefined
    ? err("cannot open authority: its record must stay: it is gone")
    : ok(again.value);
}

/** Error: the record is damaged, or one of its authorities has expired. */
export async function openRecord(
  { text, revision }: SharedRecord,
  clock: Clock,
): Promise<Result<OpenedRecord, string>> {
  const record = parseAuthorityRecord(text);
  if (!record.ok) return record;
  const { current: present, rotation } = record.value;
  const current = await CertificateAuthority.open(present, clock);
  if (!current.ok) return current;
  if (rotation === undefined) {
    return ok({ revision, record: record.value, current: current.value, next: undefined });
  }
  const next = await CertificateAuthority.open(rotation.next, clock);
  if (!next.ok) return next;
  return ok({ revision, record: record.value, current: current.value, next: next.value });
}
