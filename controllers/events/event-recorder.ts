import { LRUCache } from "lru-cache";
import {
  EVENT_NOTE_BYTES_MAX,
  EVENT_REASON_BYTES_MAX,
  EVENTS,
  type KubeEvent,
} from "../../api/kube/event.ts";
import { microTime } from "../../api/kube/micro-time.ts";
import { apiVersionOf, type KubeObject } from "../../api/kube/object.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Counter, Meter } from "../../runtime/metrics/meter.ts";
import { shortHash } from "../import/derived-service/derived-service-name.ts";
import type { EventDraft } from "./event-draft.ts";

export interface EventRecorderOptions {
  /** Which process tells, e.g. the cluster id or the pod's name. */
  readonly instance: string;
}

export interface EventRecorderDeps {
  readonly client: Pick<KubeClient, "create">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
}

const REPORTING_CONTROLLER = "isthmus.dev/controllers";

/** The same thing about the same object is not told again within this time. */
const REPEAT_AFTER_MS = 600_000;
const REMEMBERED_MAX = 1_000;
/** Over all objects: a burst, then a trickle. A thousand conflicts at once must not load the API server. */
const BURST = 50;
const PER_SECOND = 1;

/**
 * Tells people what happened, as Events: best effort. Nothing waits for an Event, nothing is retried, and what the
 * bounds drop is in the conditions and logs anyway.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #deps: EventRecorderDeps;
  readonly #dropped: Counter;
  /** When each was last told. BOUNDED: by REMEMBERED_MAX, the oldest leaves. */
  readonly #told = new LRUCache<string, number>({ max: REMEMBERED_MAX });
  #tokens = BURST;
  #refilledAtMs: number;

  constructor(options: EventRecorderOptions, deps: EventRecorderDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#refilledAtMs = deps.clock.monotonicMs();
    this.#dropped = deps.meter.counter({
      name: "isthmus_controllers_events_dropped_total",
      help: "Kubernetes Events not written: over the rate bound, or refused by the API server.",
    });
  }

  /** Returns at once. */
  record(regarding: KubeObject, draft: EventDraft, signal: AbortSignal): void {
    const { clock } = this.#deps;
    const key = JSON.stringify([regarding.metadata.uid, draft.reason, draft.note]);
    const toldMs = this.#told.get(key);
    if (toldMs !== undefined && clock.monotonicMs() - toldMs < REPEAT_AFTER_MS) return;
    if (!this.#takeToken()) {
      this.#dropped.add(1);
      return;
    }
    this.#told.set(key, clock.monotonicMs());
    void this.#write(this.#event(regarding, draft), signal);
  }

  /** Never rejects: the client's failures are values. */
  async #write(event: KubeEvent, signal: AbortSignal): Promise<void> {
    const written = await this.#deps.client.create(EVENTS, event, { signal });
    if (written.ok || written.error.kind === "aborted") return;
    this.#dropped.add(1);
    this.#deps.log.debug("event not written", { reason: event.reason, err: written.error });
  }

  #takeToken(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const earned = ((nowMs - this.#refilledAtMs) / 1_000) * PER_SECOND;
    this.#tokens = Math.min(BURST, this.#tokens + earned);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #event({ apiVersion, kind, metadata }: KubeObject, draft: EventDraft): KubeEvent {
    const { namespace = "default", name, uid, resourceVersion } = metadata;
    const eventTime = microTime(this.#deps.clock.nowMs());
    const identity = [uid ?? name, draft.reason, draft.note, eventTime].join("/");
    return {
      apiVersion: apiVersionOf(EVENTS),
      kind: EVENTS.kind,
      metadata: { namespace, name: `${name}.${shortHash(identity)}` },
      eventTime,
      reportingController: REPORTING_CONTROLLER,
      reportingInstance: this.#options.instance,
      action: draft.action,
      reason: cut(draft.reason, EVENT_REASON_BYTES_MAX),
      note: cut(draft.note, EVENT_NOTE_BYTES_MAX),
      type: draft.type,
      regarding: {
        apiVersion,
        kind,
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
    };
  }
}

/** At most so many bytes of UTF-8, cut between characters. */
function cut(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= bytesMax) return text;
  const whole = new TextDecoder("utf-8").decode(bytes.subarray(0, bytesMax - 3));
  return `${whole.replace(/\uFFFD+$/, "")}...`;
}
