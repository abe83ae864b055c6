import { invariant } from "../../../api/invariant.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { ANONYMOUS, MASTERS, type User } from "../auth/user.ts";
import { ApiServerCore, type ApiServerCoreOptions } from "../core/api-server-core.ts";
import type { ApiRequest } from "../http/api-request.ts";
import { handleRequest } from "../http/handle-request.ts";
import type { WatchEvent } from "../watch/watch-event.ts";

export const START_MS = Date.UTC(2026, 0, 1);
const ADMIN: User = { name: "admin", groups: [MASTERS] };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Parsed when it is JSON. */
  readonly body: unknown;
}

/** A core to which tests talk in requests, without HTTP; its clock moves by hand. */
export class TestCore {
  readonly core: ApiServerCore;
  nowMs: number;

  constructor(options: Partial<ApiServerCoreOptions> = {}, startMs = START_MS) {
    this.nowMs = startMs;
    const created = ApiServerCore.create(
      { serviceCidrs: ["10.101.0.0/16"], ...options },
      { random: seededRandom(1), nowMs: startMs },
    );
    invariant(created.ok, "the core starts", { created });
    this.core = created.value;
  }

  /** `target` is a path with its query. */
  ask(method: string, target: string, body?: unknown, more: Partial<ApiRequest> = {}): Answer {
    const answer = this.#handle(method, target, body, more);
    invariant(answer.kind === "body", "the request is not a watch", { target });
    const { status, headers } = answer;
    const isJson = String(headers["content-type"]).startsWith("application/json");
    return { status, headers, body: isJson ? JSON.parse(answer.body) : answer.body };
  }

  /** Opens a watch; gives what it has seen so far, growing. */
  watch(target: string): { readonly events: readonly WatchEvent[]; readonly ended: () => boolean } {
    const answer = this.#handle("GET", target, undefined, {});
    invariant(answer.kind === "watch", "the request is a watch", { target, answer });
    const events: WatchEvent[] = [];
    let ended = false;
    const sink = {
      event: (event: WatchEvent) => void events.push(event),
      end: () => {
        ended = true;
      },
    };
    answer.start.open(sink, this.nowMs);
    return { events, ended: () => ended };
  }

  /** Lets the background work happen. */
  settle(): void {
    invariant(this.core.settle(this.nowMs), "the background work ends", {});
  }

  anonymous(target: string): Answer {
    return this.ask("GET", target, undefined, { user: ANONYMOUS });
  }

  #handle(method: string, target: string, body: unknown, more: Partial<ApiRequest>) {
    const [path = "", query = ""] = target.split("?", 2);
    const request: ApiRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      headers: {},
      body: body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body), "utf8"),
      user: ADMIN,
      nowMs: this.nowMs,
      ...more,
    };
    return handleRequest(this.core, request, { tokenKey: new Uint8Array(32) });
  }
}

export const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

/** A ConfigMap as a request's body. */
export function aConfigMap(name: string, metadata: object = {}, data: object = { a: "1" }): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** A ConfigMap's reference to its owner. */
export function ownedBy(name: string, uid: string, more: object = {}): object {
  return { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name, uid, ...more }] };
}
