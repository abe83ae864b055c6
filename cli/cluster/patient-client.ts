import { err, ok, type Result } from "../../api/result.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import {
  type CallOptions,
  type KubeClient,
  type ObjectRef,
  refOf,
} from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { Random } from "../../runtime/random/random.ts";

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of each silence, while it lasts. */
  readonly tell: (text: string) => void;
}

/** From the last answer on. Long enough for an API server that is restarted, or that an upgrade replaces. */
export const PATIENCE_MS = 120_000;
/** Of the first attempt; each further one waits twice as long for its answer. */
const FIRST_ANSWER_MS = 10_000;
const ANSWER_MAX_MS = 40_000;
const PAUSE = { firstMs: 500, maxMs: 5_000 };

/**
 * For verbs that write and end: what gets no answer is asked again, until the API server has been silent for `PATIENCE_MS`. Before its
 * first answer only silence is borne: one that refuses connections is more likely a wrong address. All may be asked twice: applies and
 * patches come to the same, conditional updates are then stale, and what a repeated create finds there, or a repeated delete misses,
 * was the work of the attempt that nobody heard of. Watches are passed through.
 */
export function patientClient(client: KubeClient, deps: Deps): KubeClient {
  const patience = new Patience(deps);
  return {
    get: (target, options) =>
      patience.call(`get ${textOf(target)}`, options, (more) => client.get(target, more)),
    list: (resource, query, options) =>
      patience.call(`list ${resource.plural}`, options, (more) =>
        client.list(resource, query, more),
      ),
    watch: (resource, query, signal) => client.watch(resource, query, signal),
    create: async (resource, object, options) => {
      const what = `create ${textOf(refOf(resource, object))}`;
      let attempts = 0;
      const created = await patience.call(what, options, (more) => {
        attempts += 1;
        return client.create(resource, object, { ...options, ...more });
      });
      const isOurs = !created.ok && created.error.kind === "already-exists" && attempts > 1;
      return isOurs ? client.get(refOf(resource, object), options) : created;
    },
    update: (resource, object, options) =>
      patience.call(`update ${textOf(refOf(resource, object))}`, options, (more) =>
        client.update(resource, object, { ...options, ...more }),
      ),
    apply: (resource, object, options) =>
      patience.call(`apply ${textOf(refOf(resource, object))}`, options, (more) =>
        client.apply(resource, object, { ...options, ...more }),
      ),
    mergePatch: (target, patch, options) =>
      patience.call(`patch ${textOf(target)}`, options, (more) =>
        client.mergePatch(target, patch, { ...options, ...more }),
      ),
    delete: async (target, preconditions, options) => {
      let attempts = 0;
      const removed = await patience.call(`delete ${textOf(target)}`, options, (more) => {
        attempts += 1;
        return client.delete(target, preconditions, { ...options, ...more });
      });
      const isDone = !removed.ok && removed.error.kind === "not-found" && attempts > 1;
      return isDone ? ok(undefined) : removed;
    },
    deleteCollection: (resource, query, options) =>
      patience.call(`delete ${resource.plural}`, options, (more) =>
        client.deleteCollection(resource, query, more),
      ),
    servedVersions: (group, plural, options) =>
      patience.call(`discover ${plural}`, options, (more) =>
        client.servedVersions(group, plural, more),
      ),
  };
}

class Patience {
  readonly #deps: Deps;
  #heardMs: number;
  #hasHeard = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#heardMs = deps.clock.monotonicMs();
  }

  async call<T>(
    what: string,
    { signal, timeoutMs = FIRST_ANSWER_MS }: CallOptions,
    ask: (options: CallOptions) => Promise<Result<T, KubeError>>,
  ): Promise<Result<T, KubeError>> {
    const { clock, random, tell } = this.#deps;
    for (let attempt = 0; ; attempt += 1) {
      const answerMs = Math.max(timeoutMs, Math.min(timeoutMs * 2 ** attempt, ANSWER_MAX_MS));
      const answer = await ask({ signal, timeoutMs: answerMs });
      if (answer.ok || !isSilence(answer.error)) {
        this.#heardMs = clock.monotonicMs();
        this.#hasHeard = true;
        return answer;
      }
      const silentMs = clock.monotonicMs() - this.#heardMs;
      const { kind, status } = answer.error;
      const isHopeless = !this.#hasHeard && kind !== "timeout" && status === undefined;
      if (isHopeless || silentMs >= PATIENCE_MS || signal.aborted) {
        const tries = attempt === 0 ? "" : ` (asked ${attempt + 1} times)`;
        return err({ ...answer.error, message: `${what}: ${answer.error.message}${tries}` });
      }
      tell(`${what}: ${answer.error.message}: asked again`);
      await sleep(clock, backoffMs(PAUSE, attempt, random), signal);
    }
  }
}

/** Nobody has said whether it was done. */
function isSilence({ kind }: KubeError): boolean {
  return kind === "timeout" || kind === "unavailable" || kind === "throttled";
}

function textOf({ resource, namespace, name }: ObjectRef): string {
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
