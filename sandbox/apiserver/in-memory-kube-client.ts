import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import { parseKubeObject, parseListPage } from "../../runtime/kube/client/kube-object-parser.ts";
import {
  collectionPath,
  objectPath,
  queryString,
} from "../../runtime/kube/client/resource-path.ts";
import { fromErrorAnswer } from "../../runtime/kube/client/status-error.ts";
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
} from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { User } from "./auth/user.ts";
import { MASTERS } from "./auth/user.ts";
import type { ApiServerCore } from "./core/api-server-core.ts";
import type { CorePump } from "./core/core-pump.ts";
import { groupVersions } from "./discovery/group-version.ts";
import type { ApiRequest, ApiResponse } from "./http/api-request.ts";
import { handleRequest } from "./http/handle-request.ts";
import { type InMemoryWatch, openInMemoryWatch } from "./in-memory-watch.ts";

/** One request on its way to the core, as fault injection sees it. */
export interface InMemoryRequest {
  readonly verb:
    | "get"
    | "list"
    | "watch"
    | "create"
    | "update"
    | "patch"
    | "delete"
    | "deletecollection"
    | "discover";
  readonly path: string;
}

export interface InMemoryKubeClientOptions {
  /** @default "isthmus" */
  readonly fieldManager?: string;
  /** @default a cluster administrator */
  readonly user?: User;
  /** Watch events that may wait for a slow reader; then the watch breaks. @default 10,000 */
  readonly backlogLimit?: number;
}

export interface InMemoryKubeClientDeps {
  readonly core: ApiServerCore;
  readonly pump: CorePump;
  readonly clock: Clock;
  /**
   * Called before a request reaches the core and again before its answer reaches the caller: may wait (latency), and
   * may fail it. A failure "after" is a lost answer: the write has happened.
   */
  readonly intercept?: (
    request: InMemoryRequest,
    moment: "before" | "after",
    signal: AbortSignal,
  ) => Promise<KubeError | undefined>;
  /** Runs the handling of each request, which is one synchronous step: for observers that ask whose write they see. */
  readonly perform?: (handle: () => ApiResponse) => ApiResponse;
}

interface Call {
  readonly verb: InMemoryRequest["verb"];
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

const CALL_TIMEOUT_MS = 10_000;
const ADMINISTRATOR: User = { name: "kubernetes-admin", groups: [MASTERS] };

/**
 * KubeClient over a core in the same process: the request handling of the real server without HTTP, TLS or sockets.
 * For the simulation, with a virtual clock and injected faults.
 */
export class InMemoryKubeClient implements KubeClient {
  readonly #fieldManager: string;
  readonly #user: User;
  readonly #backlogLimit: number;
  readonly #deps: InMemoryKubeClientDeps;
  /** BOUNDED: by the watches that the core allows. */
  readonly #watches = new Set<InMemoryWatch>();

  constructor(options: InMemoryKubeClientOptions, deps: InMemoryKubeClientDeps) {
    this.#fieldManager = options.fieldManager ?? "isthmus";
    this.#user = options.user ?? ADMINISTRATOR;
    this.#backlogLimit = options.backlogLimit ?? 10_000;
    this.#deps = deps;
  }

  get<T extends KubeObject>(
    target: ObjectRef,
    options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    const call: Call = { verb: "get", method: "GET", path: objectPath(target) };
    return this.#object<T>(target.resource, call, options);
  }

  async list<T extends KubeObject>(
    resource: Resource,
    query: ListQuery,
    options: CallOptions,
  ): Promise<Result<ListPage<T>, KubeError>> {
    const { namespace, continueToken, ...rest } = query;
    const resourceVersion = continueToken === undefined ? query.resourceVersion : undefined;
    const path = collectionPath(resource, namespace);
    const parameters = queryString({ ...rest, resourceVersion, continue: continueToken });
    const call: Call = { verb: "list", method: "GET", path, query: parameters };
    const answer = await this.#call(call, options);
    return answer.ok ? parseListPage<T>(answer.value, resource) : answer;
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
    const { namespace, ...rest } = query;
    const path = collectionPath(resource, namespace);
    const parameters = queryString({ ...rest, watch: true, allowWatchBookmarks: true });
    const call: Call = { verb: "watch", method: "GET", path, query: parameters };
    const failure = await this.#deps.intercept?.(call, "before", signal);
    if (failure !== undefined) return failure;
    if (signal.aborted) return aborted();
    const answer = this.#handle(call);
    if (answer.kind === "body") return failureOf(answer.status, answer.body);
    const watch = openInMemoryWatch(answer, {
      backlogLimit: this.#backlogLimit,
      nowMs: this.#deps.clock.nowMs(),
      signal,
    });
    this.#watches.add(watch);
    this.#deps.pump.notice();
    try {
      return yield* watch.events<T>(resource);
    } finally {
      watch.close();
      this.#watches.delete(watch);
    }
  }

  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Result<T, KubeError>> {
    const path = collectionPath(resource, object.metadata.namespace);
    const query = this.#managed(options.dryRun === true ? { dryRun: "All" } : {});
    const call: Call = { verb: "create", method: "POST", path, query, body: object };
    return this.#object<T>(resource, call, options);
  }

  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const path = objectPath(refOf(resource, object), options.subresource);
    const query = this.#managed();
    const call: Call = { verb: "update", method: "PUT", path, query, body: object };
    return this.#object<T>(resource, call, options);
  }

  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
  ): Promise<Result<T, KubeError>> {
    const path = objectPath(refOf(resource, object), options.subresource);
    const query = this.#managed({ force: options.force ?? true });
    const { managedFields: _, ...metadata } = object.metadata;
    const body = { ...object, metadata };
    const contentType = "application/apply-patch+yaml";
    const call: Call = { verb: "patch", method: "PATCH", path, query, body, contentType };
    return this.#object<T>(resource, call, options);
  }

  mergePatch<T extends KubeObject>(
    target: ObjectRef,
    patch: object,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const path = objectPath(target, options.subresource);
    const query = this.#managed();
    const contentType = "application/merge-patch+json";
    const call: Call = { verb: "patch", method: "PATCH", path, query, body: patch, contentType };
    return this.#object<T>(target.resource, call, options);
  }

  async delete(
    target: ObjectRef,
    preconditions: DeletePreconditions,
    options: DeleteOptions,
  ): Promise<Result<void, KubeError>> {
    const { gracePeriodSeconds } = options;
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions, ...grace };
    const call: Call = { verb: "delete", method: "DELETE", path: objectPath(target), body };
    const answer = await this.#call(call, options);
    return answer.ok ? ok(undefined) : answer;
  }

  async deleteCollection(
    resource: Resource,
    { namespace, labelSelector }: CollectionQuery,
    options: CallOptions,
  ): Promise<Result<void, KubeError>> {
    const path = collectionPath(resource, namespace);
    const query = queryString({ labelSelector });
    const call: Call = { verb: "deletecollection", method: "DELETE", path, query };
    const answer = await this.#call(call, options);
    return answer.ok ? ok(undefined) : answer;
  }

  async servedVersions(
    group: string,
    plural: string,
    options: CallOptions,
  ): Promise<Result<readonly string[], KubeError>> {
    const path = group === "" ? "/api" : `/apis/${group}`;
    const answer = await this.#call({ verb: "discover", method: "GET", path }, options);
    if (!answer.ok) return answer.error.status === 404 ? ok([]) : answer;
    const served = groupVersions(this.#deps.core.state.kinds).filter(
      (one) => one.group === group && one.resources.some(({ resource }) => resource === plural),
    );
    return ok(served.map(({ version }) => version));
  }

  /** Breaks every open watch, as a lost connection does. */
  breakWatches(error: KubeError): void {
    for (const watch of this.#watches) watch.fail(error);
  }

  async #object<T extends KubeObject>(
    resource: Resource,
    call: Call,
    options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    const answer = await this.#call(call, options);
    return answer.ok ? parseKubeObject<T>(answer.value, resource) : answer;
  }

  async #call(call: Call, options: CallOptions): Promise<Result<unknown, KubeError>> {
    using limit = deadline(this.#deps.clock, options.timeoutMs ?? CALL_TIMEOUT_MS, options.signal);
    const { signal } = limit;
    const lost = await this.#deps.intercept?.(call, "before", signal);
    if (lost !== undefined) return err(lost);
    // A caller never sees its answer in the turn in which it asked.
    await Promise.resolve();
    if (signal.aborted) return err(options.signal.aborted ? aborted() : timedOut(call));
    const answer = this.#handle(call);
    this.#deps.pump.notice();
    const unheard = await this.#deps.intercept?.(call, "after", signal);
    if (unheard !== undefined) return err(unheard);
    if (signal.aborted) return err(options.signal.aborted ? aborted() : timedOut(call));
    if (answer.kind === "watch") return err(failureOf(500, "a watch where an answer was due"));
    if (answer.status >= 300) return err(failureOf(answer.status, answer.body));
    return ok(JSON.parse(answer.body));
  }

  #handle(call: Call): ApiResponse {
    const { core, clock, perform = (handle) => handle() } = this.#deps;
    const body = call.body === undefined ? "" : JSON.stringify(call.body);
    const request: ApiRequest = {
      method: call.method,
      path: call.path,
      query: new URLSearchParams(call.query ?? ""),
      headers: { "content-type": call.contentType ?? "application/json" },
      body: Buffer.from(body, "utf8"),
      user: this.#user,
      nowMs: clock.nowMs(),
    };
    return perform(() => handleRequest(core, request, { tokenKey: UNUSED_TOKEN_KEY }));
  }

  #managed(more: Readonly<Record<string, boolean | string>> = {}): string {
    return queryString({ fieldManager: this.#fieldManager, ...more });
  }
}

/** Tokens mean nothing where requests name their user themselves. */
const UNUSED_TOKEN_KEY = new Uint8Array(32);

function failureOf(status: number, body: string): KubeError {
  return fromErrorAnswer(status, body, undefined);
}

function aborted(): KubeError {
  return { kind: "aborted", message: "request aborted by its caller" };
}

function timedOut({ method, path }: Call): KubeError {
  return { kind: "timeout", message: `no answer to ${method} ${path} before its deadline` };
}
