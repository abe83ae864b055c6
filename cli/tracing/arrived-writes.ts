import { LRUCache } from "lru-cache";
import type { KubeObject } from "../../api/kube/object.ts";
import { ANNOTATION_TRACED_WRITE, LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Write } from "./trace-propagation.ts";

/** What a change asks for is done within milliseconds: what was seen earlier and not done changed nothing here. */
const WAITS_MS = 5_000;
/** As in Propagation: what is older came with a list, or another process' clock is wrong. */
const OLDEST_MS = 60_000;
const SEEN_MAX = 10_000;
const WRITE = /^([a-z0-9-]{1,63})\/(\d{1,16})$/;

interface Seen {
  readonly cluster: string;
  readonly sequence: number;
  readonly atMs: number;
}

/** When a process does what a write of another cluster has changed; objects say which write that was. */
export class ArrivedWrites {
  readonly #clock: Clock;
  readonly #tell: (write: Write) => void;
  /** BOUNDED: by SEEN_MAX, the oldest leave. */
  readonly #seen = new LRUCache<ServiceKey, Seen>({ max: SEEN_MAX });
  /** The last write that was told of each: one object after another says the same. BOUNDED: as #seen. */
  readonly #told = new LRUCache<ServiceKey, string>({ max: SEEN_MAX });

  constructor(clock: Clock, tell: (write: Write) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A ServiceImport or a slice of one has arrived. */
  saw(object: KubeObject): void {
    const text = object.metadata.annotations?.[ANNOTATION_TRACED_WRITE];
    const [, cluster, digits] = WRITE.exec(text ?? "") ?? [];
    if (text === undefined || cluster === undefined) return;
    const service = serviceOf(object);
    const [sequence, atMs] = [Number(digits), this.#clock.nowMs()];
    if (atMs - sequence > OLDEST_MS || this.#told.get(service) === text) return;
    if ((this.#seen.get(service)?.sequence ?? 0) >= sequence) return;
    this.#seen.set(service, { cluster, sequence, atMs });
  }

  /** What has arrived of these is done now. */
  done(services: Iterable<ServiceKey>): void {
    const endMs = this.#clock.nowMs();
    for (const service of services) {
      const seen = this.#seen.get(service);
      if (seen === undefined) continue;
      this.#seen.delete(service);
      const { cluster, sequence, atMs: startMs } = seen;
      if (endMs - startMs > WAITS_MS) continue;
      this.#told.set(service, `${cluster}/${sequence}`);
      this.#tell({ cluster, sequence, service, startMs, endMs });
    }
  }
}

/** Of a ServiceImport, or of a slice of one. */
export function serviceOf({ metadata }: KubeObject): ServiceKey {
  const { namespace = "", name, labels } = metadata;
  return serviceKey(namespace, labels?.[LABEL_SERVICE_NAME] ?? name);
}
