import type { Result } from "../../../api/result.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import type { StatusError } from "../object/status-error.ts";
import type { Schema } from "../schema/schema.ts";
import type { ServiceNetwork } from "./service/service-network.ts";

/**
 * A kind of object and everything the server must know to serve it, as data and pure functions.
 *
 * How a write runs through it (the server's part is in brackets):
 * - create: `decodeObject` -> [namespace from the URL] -> `trackUpdate` -> `strategy.prepareCreate` ->
 *   [name taken?] -> `strategy.allocate` -> [store].
 * - update, patch: [patch the live object] -> `decodeObject` -> [stale resourceVersion?] -> `trackUpdate` ->
 *   `strategy.prepareUpdate` or `.prepareStatusUpdate` -> [equal to the live object: nothing to do] ->
 *   `strategy.allocate` -> [store].
 * - apply: `applyPatch` -> `decodeObject` -> as above without `trackUpdate`.
 * - delete: [store] -> `strategy.onDeleted`.
 */
export interface Kind {
  /** "" for core. */
  readonly group: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: { readonly status?: true; readonly scale?: true };
  readonly versions: readonly KindVersion[];
  readonly storageVersion: string;
  /** Where objects live: the same for two kinds that are views of one storage (both Event groups). */
  readonly storage: { readonly group: string; readonly plural: string };
  /** Defined by a CustomResourceDefinition: no strategic merge, unknown names in errors are plural. */
  readonly custom: boolean;
  readonly strategy: Strategy;
}

export type Verb =
  | "create"
  | "delete"
  | "deletecollection"
  | "get"
  | "list"
  | "patch"
  | "update"
  | "watch";

export const ALL_VERBS: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

export interface KindVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecationWarning?: string;
  /** With apiVersion, kind and metadata among its properties. */
  readonly schema: Schema;
  readonly printerColumns: readonly PrinterColumn[];
  /** What the kind is before anybody wrote to it: the structs a built-in always has; nothing for custom resources. */
  readonly emptyObject: JsonObject;
  /** Between this version and the stored form; the identity but for `apiVersion` in most kinds. */
  toStorage(object: JsonObject): JsonObject;
  fromStorage(object: JsonObject): JsonObject;
}

/** A column after the name column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 always shown, above only with `-o wide`. */
  readonly priority: number;
  value(object: JsonObject, context: { readonly nowMs: number }): JsonValue;
}

export type Prepared = Result<JsonObject, StatusError>;

/** What a kind does to an object in storage form on its way to the store. Never looks at resourceVersion. */
export interface Strategy {
  /** Defaults that decoding adds, before field ownership is recorded. Idempotent. */
  applyDefaults(object: JsonObject): JsonObject;
  /** Sets what the server owns (name from generateName, uid, creationTimestamp, status) and validates. */
  prepareCreate(object: JsonObject, context: StrategyContext): Prepared;
  /** Carries over what an update may not touch (uid, status, ...) and validates against `old`. */
  prepareUpdate(next: JsonObject, old: JsonObject, context: StrategyContext): Prepared;
  /** As prepareUpdate for the status subresource: only status (and for built-ins metadata) may change. */
  prepareStatusUpdate(next: JsonObject, old: JsonObject, context: StrategyContext): Prepared;
  /**
   * Allocates cluster IPs and node ports and frees those no longer used. The last step that can fail: what it
   * returns must be stored, so the name and resourceVersion are checked before.
   */
  allocate?(next: JsonObject, old: JsonObject | undefined, context: StrategyContext): Prepared;
  /** After the object left the store. */
  onDeleted?(object: JsonObject, context: StrategyContext): void;
}

export interface StrategyContext {
  /** Wall time of the request, epoch milliseconds. */
  readonly nowMs: number;
  /** A dry run allocates nothing. */
  readonly dryRun: boolean;
  readonly network: ServiceNetwork;
  /** A fresh UUID. */
  newUid(): string;
  /** Five random characters for generateName (`randomNameSuffix` in object/generate-name.ts makes them). */
  randomSuffix(): string;
  /** Adds a Warning header to the response. */
  warn(message: string): void;
}
