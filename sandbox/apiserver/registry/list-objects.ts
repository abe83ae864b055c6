import { err, ok, type Result } from "../../../api/result.ts";
import type { JsonObject } from "../object/json.ts";
import { badRequest, expired, type StatusError, timeout } from "../object/status-error.ts";
import type { StoreEntry } from "../store/object-store.ts";
import {
  type ContinueToken,
  encodeContinueToken,
  INCONSISTENT_REVISION,
  parseContinueToken,
} from "./continue-token.ts";
import { collectionOf } from "./kind-registry.ts";
import { checkListOptions, type ListOptions } from "./list-options.ts";
import type { RegistryState, Target } from "./registry-state.ts";
import { parseSelection, type Selection } from "./selection.ts";

export interface ObjectList {
  /** In the requested version, in key order. */
  readonly items: readonly JsonObject[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
  /** Known only when nothing but the page size narrows the list. */
  readonly remainingItemCount?: number;
}

/** An expired page token; the client may go on with this one, at the price of consistency. */
export interface ExpiredPage extends StatusError {
  readonly continueToken: string;
}

/** One page of a collection, of one moment: later pages show the state of the first. */
export function listObjects(
  state: RegistryState,
  target: Target,
  options: ListOptions,
): Result<ObjectList, StatusError | ExpiredPage> {
  const selection = parseSelection(target, options.labelSelector, options.fieldSelector);
  if (!selection.ok) return selection;
  const checked = checkListOptions(options);
  if (!checked.ok) return checked;
  const snapshot =
    options.continueToken === ""
      ? firstPage(state, target, { options, revision: checked.value })
      : nextPage(state, target, options);
  if (!snapshot.ok) return snapshot;
  return ok(
    cutPage(target, { selection: selection.value, limit: options.limit, ...snapshot.value }),
  );
}

interface Snapshot {
  readonly entries: readonly StoreEntry[];
  readonly revision: number;
  /** A list served "from the cache" (resourceVersion 0) is never cut into pages. */
  readonly whole: boolean;
}

function firstPage(
  { store }: RegistryState,
  { kind, namespace }: Target,
  asked: { readonly options: ListOptions; readonly revision: number | undefined },
): Result<Snapshot, StatusError> {
  const { options, revision } = asked;
  const collection = collectionOf(kind);
  if (revision !== undefined && revision > store.revision) {
    return err(futureRevision(revision, store.revision));
  }
  const exact =
    options.resourceVersionMatch === "Exact" ||
    (options.resourceVersionMatch === "" && options.limit > 0 && (revision ?? 0) > 0);
  if (!exact || revision === undefined) {
    const entries = store.list(collection, namespace);
    return ok({ entries, revision: store.revision, whole: revision === 0 });
  }
  const entries = store.listAt(collection, namespace, revision);
  if (!entries.ok) return err(expired("The resourceVersion for the provided list is too old."));
  return ok({ entries: entries.value, revision, whole: false });
}

function nextPage(
  { store }: RegistryState,
  { kind, namespace }: Target,
  { continueToken }: ListOptions,
): Result<Snapshot, StatusError | ExpiredPage> {
  const token = parseContinueToken(continueToken);
  if (!token.ok) return err(badRequest(token.error));
  const newest = token.value.revision === INCONSISTENT_REVISION;
  const revision = newest ? store.revision : token.value.revision;
  if (revision > store.revision) return err(futureRevision(revision, store.revision));
  const entries = store.listAt(collectionOf(kind), namespace, revision);
  if (!entries.ok) return err(expiredPage(token.value));
  const from =
    (namespace === undefined ? "" : `${namespace}/`) + token.value.start.replace(/^\//, "");
  return ok({ entries: entries.value.filter(({ key }) => key >= from), revision, whole: false });
}

function cutPage(
  { version, namespace }: Target,
  page: Snapshot & { readonly selection: Selection; readonly limit: number },
): ObjectList {
  const items: JsonObject[] = [];
  const limit = page.whole || page.limit === 0 ? Number.POSITIVE_INFINITY : page.limit;
  let lastKey = "";
  let at = 0;
  for (; at < page.entries.length; at += 1) {
    const entry = page.entries[at];
    if (entry === undefined) break;
    const object = version.fromStorage(entry.object);
    if (!page.selection.matches(object)) continue;
    if (items.length === limit) break;
    items.push(object);
    lastKey = entry.key;
  }
  const resourceVersion = String(page.revision);
  if (at === page.entries.length) return { items, resourceVersion };
  const relative = namespace === undefined ? lastKey : lastKey.slice(namespace.length + 1);
  return {
    items,
    resourceVersion,
    continueToken: encodeContinueToken({ revision: page.revision, start: `/${relative}\u0000` }),
    ...(page.selection.narrows ? {} : { remainingItemCount: page.entries.length - at }),
  };
}

function expiredPage(token: ContinueToken): ExpiredPage {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  const start = token.start.replace(/^\//, "");
  return {
    ...expired(message),
    continueToken: encodeContinueToken({ revision: INCONSISTENT_REVISION, start }),
  };
}

/** A revision that this server has not reached: the client is ahead of us, or talks to another server. */
function futureRevision(asked: number, current: number): StatusError {
  const base = timeout(`Timeout: Too large resource version: ${asked}, current: ${current}`, 1);
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return { ...base, details: { causes, retryAfterSeconds: 1 } };
}
