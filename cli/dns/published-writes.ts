import { LRUCache } from "lru-cache";
import type { KubeObject } from "../../api/kube/object.ts";
import { ANNOTATION_TRACED_WRITE, LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Published } from "../tracing/trace-propagation.ts";

/** A zone is built within milliseconds: what was seen earlier and published by nobody changed no answer. */
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

/** When the DNS server answers by what a write of another cluster has changed; objects say which write that was. */
export class PublishedWrites {
  readonly #clock: Clock;
  readonly #tell: (published: Published) => void;
  /** BOUNDED: by SEEN_MAX, the oldest leave. */
  readonly #seen = new LRUCache<ServiceKey, Seen>({ max: SEEN_MAX });
  /** The last write that was told of each: one object after another says the same. BOUNDED: as #seen. */
  readonly #told = new LRUCache<ServiceKey, string>({ max: SEEN_MAX });

  constructor(clock: Clock, tell: (published: Published) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A ServiceImport or a slice of one has arrived. */
  saw({ metadata }: KubeObject): void {
    const { namespace = "", name, labels, annotations } = metadata;
    const text = annotations?.[ANNOTATION_TRACED_WRITE];
    const [, cluster, digits] = WRITE.exec(text ?? "") ?? [];
    if (text === undefined || cluster === undefined) return;
    const service = serviceKey(namespace, labels?.[LABEL_SERVICE_NAME] ?? name);
    const [sequence, atMs] = [Number(digits), this.#clock.nowMs()];
    if (atMs - sequence > OLDEST_MS || this.#told.get(service) === text) return;
    if ((this.#seen.get(service)?.sequence ?? 0) >= sequence) return;
    this.#seen.set(service, { cluster, sequence, atMs });
  }

  /** Answers about these are others now. */
  published(services: Iterable<ServiceKey>): void {
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
