import type { Result } from "../../api/result.ts";

/** One record as it was read. */
export interface SharedRecord {
  readonly key: string;
  readonly text: string;
  /** Names this content: `replace` succeeds only while it is the present one. Opaque. */
  readonly revision: string;
}

/**
 * Small records that all replicas of one broker share, and commands beside them: the authority, tokens and their
 * claims. Rows and members are the store's. Keys are `name` or `group/name`, see SHARED_KEY. Texts hold secrets.
 * Every change is durable when its promise resolves. Errors: the place cannot be read or written; they never quote a text.
 */
export interface SharedRecords {
  /** Undefined: there is none. */
  read(key: string): Promise<Result<SharedRecord | undefined, string>>;

  /** False: one exists already. Of several that race exactly one gets true. */
  create(key: string, text: string): Promise<Result<boolean, string>>;

  /** False: the record is gone or is not the one of this revision any more. */
  replace(key: string, text: string, revision: string): Promise<Result<boolean, string>>;

  /** Every record of a group, in no order. */
  list(group: string): Promise<Result<readonly SharedRecord[], string>>;

  /** Every record, in no order: for a backup. */
  all(): Promise<Result<readonly SharedRecord[], string>>;

  /** Harmless when there is none. */
  delete(key: string): Promise<Result<void, string>>;
}

/** What a key looks like: it can be neither a path out of a folder nor a hidden file. */
export const SHARED_KEY = /^[a-z][a-z-]{0,31}(\/[A-Za-z0-9_-]{1,64})?$/;

/** Longest text, characters: what a Kubernetes Secret takes, with room to spare. */
export const SHARED_TEXT_MAX = 256 * 1024;
