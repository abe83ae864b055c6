import type { KubeObject } from "../../../api/kube/object.ts";
import { objectKey } from "../object-view.ts";

/** What a write of ours has done. */
export type WriteOutcome<T extends KubeObject> =
  | { readonly kind: "written"; readonly object: T }
  /** Accepted by the server. */
  | { readonly kind: "deleted"; readonly uid: string };

/** A write under way, and what the watch has told of its object meanwhile. */
export interface OpenWrite {
  readonly key: string;
  /** `uid/resourceVersion`. BOUNDED: by the changes of one object during one request. */
  readonly seen: Set<string>;
  /** Lives that have ended. BOUNDED: as seen. */
  readonly ended: Set<string>;
  /** Another write of the object was answered, or the collection was listed anew: who is ahead cannot be told. */
  isUnsure: boolean;
}

/** An object whose state we know from our own write, while the watch has yet to tell it. */
interface Ahead {
  /** uid of the life that we ended; undefined: it lives, we wrote it. */
  readonly gone: string | undefined;
  /** `uid/resourceVersion` of what came before. */
  readonly superseded: ReadonlySet<string>;
  /** uids of lives that are over, `gone` among them. */
  readonly ended: ReadonlySet<string>;
}

/**
 * Which events of a watch tell less than our own writes have told already. Versions are opaque, so nothing is compared
 * but for equality: an event is old when it shows a version that one of our writes has replaced, and the watch has
 * caught up when it shows anything else. When in doubt the watch is believed: the view then lags, as without this.
 */
export class OwnWrites<T extends KubeObject> {
  /** BOUNDED: by the requests under way. */
  readonly #open = new Map<string, Set<OpenWrite>>();
  /** BOUNDED: by our writes whose events have not come yet; a full list clears it. */
  readonly #ahead = new Map<string, Ahead>();

  /** Objects of which the watch has yet to tell what we know. */
  get size(): number {
    return this.#ahead.size;
  }

  begin(key: string): OpenWrite {
    const write: OpenWrite = { key, seen: new Set(), ended: new Set(), isUnsure: false };
    const others = this.#open.get(key);
    if (others === undefined) this.#open.set(key, new Set([write]));
    else others.add(write);
    return write;
  }

  /**
   * The end of a write; without an outcome it failed.
   * @param current what the view shows now.
   * @returns whether the outcome is news to the view.
   */
  end(write: OpenWrite, outcome: WriteOutcome<T> | undefined, current: T | undefined): boolean {
    const others = this.#open.get(write.key);
    others?.delete(write);
    if (others?.size === 0) this.#open.delete(write.key);
    if (outcome === undefined) return false;
    for (const other of others ?? []) other.isUnsure = true;
    if (write.isUnsure || wasSeen(write, outcome)) return false;
    if (outcome.kind === "deleted" && !endsWith(current, outcome.uid)) return false;
    this.#ahead.set(write.key, following(this.#ahead.get(write.key), outcome, current));
    return true;
  }

  /** The watch tells that an object was added or changed. False: we know better. */
  takesPut(object: T): boolean {
    const key = objectKey(object);
    for (const write of this.#open.get(key) ?? []) write.seen.add(identity(object));
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return true;
    if (isOld(ahead, object)) return false;
    this.#ahead.delete(key);
    return true;
  }

  /** The watch tells that an object is gone. False: we know better. */
  takesRemove(object: T): boolean {
    const key = objectKey(object);
    const { uid } = object.metadata;
    if (uid !== undefined) for (const write of this.#open.get(key) ?? []) write.ended.add(uid);
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return true;
    const isEarlierLife = uid !== undefined && uid !== ahead.gone && ahead.ended.has(uid);
    if (isEarlierLife) return false;
    this.#ahead.delete(key);
    return true;
  }

  /** A full list has taken the place of everything. */
  relisted(): void {
    this.#ahead.clear();
    for (const writes of this.#open.values()) for (const write of writes) write.isUnsure = true;
  }
}

function wasSeen<T extends KubeObject>(write: OpenWrite, outcome: WriteOutcome<T>): boolean {
  if (outcome.kind === "deleted") return write.ended.has(outcome.uid);
  const { uid } = outcome.object.metadata;
  return write.seen.has(identity(outcome.object)) || (uid !== undefined && write.ended.has(uid));
}

/** Nothing holds the object back: it is gone with its deletion. */
function endsWith(current: KubeObject | undefined, uid: string): boolean {
  return current?.metadata.uid === uid && (current.metadata.finalizers ?? []).length === 0;
}

function following<T extends KubeObject>(
  before: Ahead | undefined,
  outcome: WriteOutcome<T>,
  current: T | undefined,
): Ahead {
  const superseded = new Set(before?.superseded);
  if (current !== undefined) superseded.add(identity(current));
  const ended = new Set(before?.ended);
  if (outcome.kind === "deleted") {
    ended.add(outcome.uid);
    return { gone: outcome.uid, superseded, ended };
  }
  const { uid } = outcome.object.metadata;
  const earlier = current?.metadata.uid;
  if (earlier !== undefined && earlier !== uid) ended.add(earlier);
  return { gone: undefined, superseded, ended };
}

function isOld(ahead: Ahead, object: KubeObject): boolean {
  const { uid, deletionTimestamp } = object.metadata;
  if (uid !== undefined && ahead.ended.has(uid)) {
    // What we deleted may still be there, waiting for its finalizers: that is news.
    return uid !== ahead.gone || deletionTimestamp === undefined;
  }
  return ahead.superseded.has(identity(object));
}

function identity(object: KubeObject): string {
  return `${object.metadata.uid}/${object.metadata.resourceVersion}`;
}
