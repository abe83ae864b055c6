import { invariant } from "../../../api/invariant.ts";
import { isRecord } from "../../../api/json.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { PODS } from "../../../api/kube/pod.ts";
import type { Result } from "../../../api/result.ts";
import { ok } from "../../../api/result.ts";
import { deadline } from "../../clock/deadline.ts";
import {
  type ApplyOptions,
  type CallOptions,
  type CollectionQuery,
  type DeleteOptions,
  type DeletePreconditions,
  type KubeClient,
  type ListPage,
  type ListQuery,
  type ObjectRef,
  refOf,
  type WatchEvent,
  type WatchQuery,
} from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import type { PodLogQuery } from "../pod-logs.ts";
import type { ApiRequest, ApiTransportDeps } from "./api-transport.ts";
import { ApiTransport } from "./api-transport.ts";
import { fromConnectionError } from "./connection-error.ts";
import { parseKubeObject, parseListPage, parseWatchEvent } from "./kube-object-parser.ts";
import { collectionPath, objectPath, queryString, targetName } from "./resource-path.ts";
import { LineTooLongError, splitLines } from "./split-lines.ts";

export interface HttpKubeClientOptions {
  /** Server-side apply field manager. @default "isthmus" */
  readonly fieldManager?: string;
  /** @default "isthmus" */
  readonly userAgent?: string;
  /** Of one answer. @default 64 MiB: a page of 500 objects of ordinary size many times over */
  readonly maxBodyBytes?: number;
  /** Of one watch event. @default 8 MiB; etcd refuses objects above 1.5 MiB */
  readonly maxLineBytes?: number;
}

const CALL_TIMEOUT_MS = 10_000;
const WATCH_HEAD_TIMEOUT_MS = 30_000;
/** How much longer than asked for a watch may last before the client cuts it. */
const WATCH_GRACE_MS = 30_000;
const APPLY_TYPE = "application/apply-patch+yaml";
/** Names instead of whole objects, where the server can. */
const NAMES_TYPE =
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const MERGE_TYPE = "application/merge-patch+json";

/** KubeClient over HTTP/1.1 with raw JSON (docs/decisions/0001-raw-json-kubernetes-requests.md). */
export class HttpKubeClient implements KubeClient {
  readonly #transport: ApiTransport;
  readonly #deps: ApiTransportDeps;
  readonly #fieldManager: string;
  readonly #maxLineBytes: number;

  constructor(options: HttpKubeClientOptions, deps: ApiTransportDeps) {
    this.#deps = deps;
    this.#fieldManager = options.fieldManager ?? "isthmus";
    this.#maxLineBytes = options.maxLineBytes ?? 8 * 1024 * 1024;
    this.#transport = new ApiTransport(
      {
        userAgent: options.userAgent ?? "isthmus",
        maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
      },
      deps,
    );
  }

  get<T extends KubeObject>(
    target: ObjectRef,
    options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    const request: ApiRequest = {
      verb: "get",
      target: targetName(target.resource),
      method: "GET",
      path: objectPath(target),
    };
    return this.#object<T>(target.resource, request, options);
  }

  async list<T extends KubeObject>(
    resource: Resource,
    query: ListQuery,
    options: CallOptions,
  ): Promise<Result<ListPage<T>, KubeError>> {
    const { namespace, continueToken, ...rest } = query;
    // A continue token names the snapshot: the server refuses a resourceVersion beside it.
    const resourceVersion = continueToken === undefined ? query.resourceVersion : undefined;
    const parameters = queryString({ ...rest, resourceVersion, continue: continueToken });
    const path = `${collectionPath(resource, namespace)}${parameters}`;
    const answer = await this.#call(
      { verb: "list", target: targetName(resource), method: "GET", path },
      options,
    );
    return answer.ok ? parseListPage<T>(answer.value, resource) : answer;
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
    const { namespace, ...rest } = query;
    const parameters = queryString({ ...rest, watch: true, allowWatchBookmarks: true });
    const path = `${collectionPath(resource, namespace)}${parameters}`;
    const lifeMs = query.timeoutSeconds * 1_000 + WATCH_GRACE_MS;
    using limit = deadline(this.#deps.clock, lifeMs, signal);
    const request: ApiRequest = {
      verb: "watch",
      target: targetName(resource),
      method: "GET",
      path,
    };
    const opened = await this.#transport.open(request, WATCH_HEAD_TIMEOUT_MS, limit.signal);
    if (!opened.ok) return opened.error;
    try {
      for await (const line of splitLines(opened.value, this.#maxLineBytes)) {
        const event = parseWatchEvent<T>(line, resource);
        if (!event.ok) return event.error;
        yield event.value;
      }
      return undefined;
    } catch (error) {
      return this.#watchError(error, resource, limit.signal);
    } finally {
      opened.value.destroy();
    }
  }

  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Result<T, KubeError>> {
    const { namespace } = object.metadata;
    invariant(resource.namespaced === (namespace !== undefined), "namespace fits the scope", {
      plural: resource.plural,
      namespace,
    });
    const dryRun = options.dryRun === true ? "&dryRun=All" : "";
    const path = `${collectionPath(resource, namespace)}${this.#managed()}${dryRun}`;
    return this.#object<T>(
      resource,
      { verb: "create", target: targetName(resource), method: "POST", path, body: object },
      options,
    );
  }

  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const path = `${objectPath(refOf(resource, object), options.subresource)}${this.#managed()}`;
    return this.#object<T>(
      resource,
      {
        verb: "update",
        target: targetName(resource, options.subresource),
        method: "PUT",
        path,
        body: object,
      },
      options,
    );
  }

  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
  ): Promise<Result<T, KubeError>> {
    const parameters = this.#managed({ force: options.force ?? true });
    const path = `${objectPath(refOf(resource, object), options.subresource)}${parameters}`;
    // The server refuses managedFields in an apply; callers may hand in an object they have read.
    const { managedFields: _, ...metadata } = object.metadata;
    return this.#object<T>(
      resource,
      {
        verb: "apply",
        target: targetName(resource, options.subresource),
        method: "PATCH",
        path,
        body: { ...object, metadata },
        contentType: APPLY_TYPE,
      },
      options,
    );
  }

  mergePatch<T extends KubeObject>(
    target: ObjectRef,
    patch: object,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const path = `${objectPath(target, options.subresource)}${this.#managed()}`;
    const request: ApiRequest = {
      verb: "patch",
      target: targetName(target.resource, options.subresource),
      method: "PATCH",
      path,
      body: patch,
      contentType: MERGE_TYPE,
    };
    return this.#object<T>(target.resource, request, options);
  }

  async delete(
    target: ObjectRef,
    preconditions: DeletePreconditions,
    options: DeleteOptions,
  ): Promise<Result<void, KubeError>> {
    const { gracePeriodSeconds } = options;
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions, ...grace };
    const request: ApiRequest = {
      verb: "delete",
      target: targetName(target.resource),
      method: "DELETE",
      path: objectPath(target),
      body,
    };
    const answer = await this.#call(request, options);
    return answer.ok ? ok(undefined) : answer;
  }

  async deleteCollection(
    resource: Resource,
    { namespace, labelSelector }: CollectionQuery,
    options: CallOptions,
  ): Promise<Result<void, KubeError>> {
    const request: ApiRequest = {
      verb: "deletecollection",
      target: targetName(resource),
      method: "DELETE",
      path: `${collectionPath(resource, namespace)}${queryString({ labelSelector })}`,
      accept: NAMES_TYPE,
    };
    const answer = await this.#call(request, options);
    return answer.ok ? ok(undefined) : answer;
  }

  async servedVersions(
    group: string,
    plural: string,
    options: CallOptions,
  ): Promise<Result<readonly string[], KubeError>> {
    const root = group === "" ? "/api" : `/apis/${encodeURIComponent(group)}`;
    const answer = await this.#discover(root, options);
    if (!answer.ok) return answer;
    const served: string[] = [];
    for (const version of versionsIn(answer.value)) {
      const resources = await this.#discover(`${root}/${version}`, options);
      if (!resources.ok) return resources;
      if (namesIn(resources.value).includes(plural)) served.push(version);
    }
    return ok(served);
  }

  /** See PodLogs. */
  podLog(query: PodLogQuery, options: CallOptions): Promise<Result<string, KubeError>> {
    const { namespace, pod, ...rest } = query;
    const path = `${objectPath({ resource: PODS, namespace, name: pod }, "log")}${queryString(rest)}`;
    const request: ApiRequest = {
      verb: "get",
      target: targetName(PODS, "log"),
      method: "GET",
      path,
      accept: "*/*",
    };
    return this.#transport.callText(request, options.timeoutMs ?? CALL_TIMEOUT_MS, options.signal);
  }

  /** Frees idle connections; requests under way are the owners' to abort. */
  close(): void {
    this.#deps.access.close();
  }

  /** A discovery document; undefined when the server has none for the path. */
  async #discover(path: string, options: CallOptions): Promise<Result<unknown, KubeError>> {
    const answer = await this.#call({ verb: "discover", target: "", method: "GET", path }, options);
    return !answer.ok && answer.error.status === 404 ? ok(undefined) : answer;
  }

  async #object<T extends KubeObject>(
    resource: Resource,
    request: ApiRequest,
    options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    const answer = await this.#call(request, options);
    return answer.ok ? parseKubeObject<T>(answer.value, resource) : answer;
  }

  #call(request: ApiRequest, options: CallOptions): Promise<Result<unknown, KubeError>> {
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    return this.#transport.call(request, timeoutMs, options.signal);
  }

  #managed(more: Readonly<Record<string, boolean>> = {}): string {
    return queryString({ fieldManager: this.#fieldManager, ...more });
  }

  #watchError(error: unknown, resource: Resource, signal: AbortSignal): KubeError {
    if (error instanceof LineTooLongError) {
      const message = `cannot read a watch event of ${resource.plural}: ${error.message}`;
      return { kind: "invalid", message };
    }
    return fromConnectionError(error, this.#transport.server, signal);
  }
}

/** Versions in an APIVersions (strings) or an APIGroup (objects) document, the server's preferred order. */
function versionsIn(document: unknown): readonly string[] {
  if (!isRecord(document) || !Array.isArray(document["versions"])) return [];
  return document["versions"].flatMap((entry: unknown) => {
    const version = isRecord(entry) ? entry["version"] : entry;
    return typeof version === "string" ? [version] : [];
  });
}

function namesIn(document: unknown): readonly string[] {
  if (!isRecord(document) || !Array.isArray(document["resources"])) return [];
  return document["resources"].flatMap((entry: unknown) =>
    isRecord(entry) && typeof entry["name"] === "string" ? [entry["name"]] : [],
  );
}
