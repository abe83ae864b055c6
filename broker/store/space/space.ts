import type { Result } from "../../../api/result.ts";

/**
 * A small key-value space that broker replicas share: writes of one item are linearizable and conditional, and
 * whoever follows it sees one whole snapshot and then every change after it, in the one order in which they happened.
 * Names are lower-case RFC 1123 subdomains of at most 253 bytes.
 */
export interface Space {
  /** As it is now, never as a cache remembers it. */
  read(name: string): Promise<Result<SpaceItem | undefined, SpaceError>>;
  /** Items whose names begin so, each as it was at one moment. */
  list(prefix: string): Promise<Result<readonly SpaceItem[], SpaceError>>;
  /** Conflict: it exists. */
  create(write: SpaceWrite): Promise<Result<SpaceVersion, SpaceError>>;
  /** Conflict: it is of another version, or gone. */
  replace(write: SpaceWrite, version: SpaceVersion): Promise<Result<SpaceVersion, SpaceError>>;
  /** Fine when it is gone already. Conflict: a version was given and it is of another. */
  remove(name: string, version?: SpaceVersion): Promise<Result<void, SpaceError>>;
  /** Begins in the background; lost connections are mended with backoff. */
  follow(listener: SpaceListener): Following;
  /** What is under way fails; followers end. */
  close(): Promise<void>;
}

/** Opaque: compare for equality only. */
export type SpaceVersion = string;

export interface SpaceItem {
  readonly name: string;
  readonly version: SpaceVersion;
  readonly data: Uint8Array;
}

export interface SpaceWrite {
  readonly name: string;
  /** At most 1,000,000 bytes: engines take 1.5 MiB, and one of them writes bytes as base64. */
  readonly data: Uint8Array;
  /** For people who look into the engine: never read back. */
  readonly about?: SpaceAbout;
}

export interface SpaceAbout {
  /** What kind of item. */
  readonly kind: string;
  readonly cluster?: string;
  /** What is in it, in a line. */
  readonly summary?: string;
  /** Highest sequence of the rows in it. */
  readonly sequence?: number;
}

export type SpaceEvent =
  | { readonly kind: "put"; readonly item: SpaceItem }
  | { readonly kind: "removed"; readonly name: string };

export interface SpaceListener {
  /** Everything at one moment: whatever was heard before is replaced by it. */
  snapshot(items: readonly SpaceItem[]): void;
  /** What happened next, in order. */
  changes(events: readonly SpaceEvent[]): void;
}

export interface Following {
  /** Cuts the connection and begins with another snapshot: for a follower that doubts what it hears. */
  restart(): void;
  stop(): Promise<void>;
}

export interface SpaceError {
  readonly kind: /** The item is not as the condition says. */
    | "conflict"
    /** The engine answered that it will not: full, forbidden, too large. Nothing was written. */
    | "refused"
    /** No answer, or not now: what was asked may have happened, or may still. */
    | "unavailable";
  readonly text: string;
}
