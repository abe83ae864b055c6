import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type ServiceKey, serviceKey, splitServiceKey } from "../../api/service-key.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { AheadOfZone } from "../zone/ahead-of-zone.ts";
import type { EndpointPolicy } from "../zone/choose-endpoints.ts";
import { deriveServiceRecords } from "../zone/derive-service-records.ts";
import { livingSlices } from "../zone/living-slices.ts";
import { isSameRecords, type ServiceRecords, shareRecords } from "../zone/service-records.ts";
import { nextSerial } from "../zone/zone-serial.ts";
import { changeZone, EMPTY_ZONE, type ZoneSnapshot } from "../zone/zone-snapshot.ts";

/** Which peers are proved dead, as far as anybody has said. */
export interface DeadPeers {
  readonly current: ReadonlySet<string>;
  /** The listener is told those that have died or are back. Returns the unsubscribe. */
  subscribe(listener: (peers: ReadonlySet<string>) => void): () => void;
}

/** Changes that come together are published together after this time. */
const COALESCE_MS = 5;
/** Services derived before queries get their turn again, and how long that may take: one with a hundred endpoints costs 0.3 ms. */
const BATCH_SERVICES = 200;
const BATCH_MS = 2;
/** The same for services that are answered ahead of the zone: nobody waits for those, and thousands of them would keep questions waiting. */
const AHEAD_BATCH_MS = 1;

export interface ZoneSourceOptions {
  /** Lower case, no final dot. */
  readonly zone: string;
  readonly endpoints?: EndpointPolicy;
  /** Serial that the first zone's must follow; asked for when it is there. */
  readonly serialBefore?: () => number | undefined;
}

export interface ZoneSourceDeps {
  readonly imports: ObjectView<ServiceImport>;
  /** May hold other slices too: those without the MCS labels are ignored (EPS-03, EPS-04). */
  readonly slices: ObjectView<EndpointSlice>;
  readonly namespaces: ObjectView<Namespace>;
  /** Peers whose data path is proved dead leave answers at once. @default nothing is known of paths */
  readonly deadPeers?: DeadPeers;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Receives each zone that is complete; the first one only after all views have synced (DNS-42). `rebuildMs` is the time since
 * the first change that it holds was seen.
 */
export type ZoneListener = (
  zone: ZoneSnapshot,
  changed: Iterable<ServiceKey>,
  rebuildMs: number,
) => void;

/**
 * Keeps the zone equal to the views: events only mark services dirty, a timer derives and publishes them. The zone that
 * was published last stays when views lose their connection.
 */
export class ZoneSource {
  readonly #options: ZoneSourceOptions;
  readonly #deps: ZoneSourceDeps;
  readonly #publish: ZoneListener;
  /** BOUNDED: by the services and namespaces of the views. */
  readonly #dirtyServices = new Set<ServiceKey>();
  readonly #dirtyNamespaces = new Set<string>();
  /** Keys of a service's MCS slices. BOUNDED: by the slices of the view. */
  readonly #slicesOf = new Map<ServiceKey, Set<string>>();
  /** Services whose local endpoints, though preferred, do not serve alone. BOUNDED: by the imports of the view. */
  readonly #spilled = new Set<ServiceKey>();
  /** Dirty ones that are told before the zone has them, none of `#dirtyServices`, and their records once asked for. BOUNDED: as those. */
  readonly #ahead = new Set<ServiceKey>();
  readonly #early = new Map<ServiceKey, ServiceRecords | undefined>();
  /** Of those, whichever was asked for since: answers made of it are known to others than the zone. BOUNDED: as `#ahead`. */
  readonly #told = new Set<ServiceKey>();
  readonly #unsubscribes: (() => void)[] = [];
  #zone: ZoneSnapshot = EMPTY_ZONE;
  #serial: number | undefined;
  #isReady = false;
  #timer: Timer | undefined;
  /** When the first change came that is not in a zone yet. */
  #dirtySinceMs: number | undefined;

  constructor(options: ZoneSourceOptions, deps: ZoneSourceDeps, publish: ZoneListener) {
    this.#options = options;
    this.#deps = deps;
    this.#publish = publish;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Of the zone that was published last; undefined before the first. */
  get serial(): number | undefined {
    return this.#isReady ? this.#serial : undefined;
  }

  /** Services with endpoints of peers that have just died, or are back. */
  get ahead(): AheadOfZone {
    const [ahead, early, told] = [this.#ahead, this.#early, this.#told];
    return {
      get size() {
        return ahead.size;
      },
      has: (key) => ahead.has(key),
      isKnown: (key) => early.has(key),
      records: (key) => {
        if (!early.has(key)) early.set(key, this.#derive(key));
        told.add(key);
        return early.get(key);
      },
    };
  }

  start(): void {
    const { imports, slices, namespaces } = this.#deps;
    this.#unsubscribes.push(
      imports.subscribe((event) => {
        if (event.kind === "changed") this.#mark(toServiceKey(event.key));
        this.#schedule(COALESCE_MS);
      }),
      slices.subscribe((event) => {
        if (event.kind === "changed") this.#moveSlice(event.key, event.before, event.after);
        this.#schedule(COALESCE_MS);
      }),
      namespaces.subscribe((event) => {
        if (event.kind === "changed") this.#dirtyNamespaces.add(event.key);
        this.#schedule(COALESCE_MS);
      }),
    );
    const unsubscribe = this.#deps.deadPeers?.subscribe((peers) => this.#onDeadPeers(peers));
    if (unsubscribe !== undefined) this.#unsubscribes.push(unsubscribe);
    for (const key of imports.keys()) this.#mark(toServiceKey(key));
    for (const key of slices.keys()) this.#moveSlice(key, undefined, slices.get(key));
    for (const key of namespaces.keys()) this.#dirtyNamespaces.add(key);
    this.#schedule(0);
  }

  stop(): void {
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
  }

  #moveSlice(key: string, before?: EndpointSlice, after?: EndpointSlice): void {
    const from = before === undefined ? undefined : serviceOf(before);
    const to = after === undefined ? undefined : serviceOf(after);
    if (from !== undefined) {
      const keys = this.#slicesOf.get(from);
      if (from !== to && keys?.delete(key) === true && keys.size === 0) this.#slicesOf.delete(from);
      this.#mark(from);
    }
    if (to !== undefined) {
      const keys = this.#slicesOf.get(to);
      if (keys === undefined) this.#slicesOf.set(to, new Set([key]));
      else keys.add(key);
      this.#mark(to);
    }
  }

  /** It is to be derived anew, whatever was derived of it. */
  #mark(key: ServiceKey): void {
    if (!this.#ahead.has(key)) this.#dirtyServices.add(key);
    this.#early.delete(key);
  }

  /** These have died, or are back: whatever they have endpoints of, from the next question on. */
  #onDeadPeers(peers: ReadonlySet<string>): void {
    for (const slice of this.#deps.slices.values()) {
      if (!peers.has(slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "")) continue;
      const service = serviceOf(slice);
      if (service === undefined) continue;
      this.#mark(service);
      if (!this.#isReady) continue;
      this.#dirtyServices.delete(service);
      this.#ahead.add(service);
    }
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || !this.#hasSynced()) return;
    this.#dirtySinceMs ??= this.#deps.clock.monotonicMs();
    this.#timer = this.#deps.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#update();
    });
  }

  #hasSynced(): boolean {
    const { imports, slices, namespaces } = this.#deps;
    return imports.hasSynced() && slices.hasSynced() && namespaces.hasSynced();
  }

  #update(): void {
    const services = new Map<ServiceKey, ServiceRecords | undefined>();
    this.#deriveSome(this.#dirtyServices, BATCH_MS, services);
    // Those are in answers from here on: what is left keeps nobody waiting.
    if (this.#dirtyServices.size === 0) this.#deriveSome(this.#ahead, AHEAD_BATCH_MS, services);
    const namespaces = new Map<string, boolean>();
    for (const name of take(this.#dirtyNamespaces, Number.POSITIVE_INFINITY)) {
      const exists = this.#deps.namespaces.get(name) !== undefined;
      if ((this.#zone.namespaces.get(name)?.exists ?? false) !== exists) {
        namespaces.set(name, exists);
      }
    }
    const isDone = this.#dirtyServices.size === 0;
    const isFirst = isDone && !this.#isReady;
    if (services.size > 0 || namespaces.size > 0 || isFirst) {
      const before = this.#serial ?? this.#options.serialBefore?.();
      this.#serial = nextSerial(before, this.#deps.clock.nowMs());
      this.#zone = changeZone(this.#zone, { serial: this.#serial, services, namespaces });
      if (isFirst) this.#isReady = true;
      if (this.#isReady) {
        const nowMs = this.#deps.clock.monotonicMs();
        const rebuildMs = nowMs - (this.#dirtySinceMs ?? nowMs);
        this.#publish(this.#zone, this.#changedKeys(services, namespaces), rebuildMs);
      }
    }
    if (!isDone) this.#schedule(0);
    else this.#dirtySinceMs = undefined;
    if (isDone && this.#ahead.size > 0) this.#schedule(COALESCE_MS);
  }

  /** Takes services out of the set, and notes the records of those about which the zone says something else. */
  #deriveSome(
    dirty: Set<ServiceKey>,
    batchMs: number,
    services: Map<ServiceKey, ServiceRecords | undefined>,
  ): void {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + batchMs;
    for (const key of take(dirty, BATCH_SERVICES)) {
      const records = this.#early.has(key) ? this.#early.get(key) : this.#derive(key);
      const current = this.#current(key);
      // What was told may be neither what the zone says nor what holds now: a path that dies and heals.
      if (this.#told.delete(key) || !isSame(current, records)) {
        services.set(key, records === undefined ? undefined : shareRecords(current, records));
      }
      this.#early.delete(key);
      // Before the first zone nobody waits for anything but the zone.
      if (this.#isReady && clock.monotonicMs() >= endMs) break;
    }
  }

  /** A namespace that comes or goes shows or hides all its services. */
  #changedKeys(
    services: ReadonlyMap<ServiceKey, unknown>,
    namespaces: ReadonlyMap<string, boolean>,
  ): Iterable<ServiceKey> {
    const changed = new Set(services.keys());
    for (const namespace of namespaces.keys()) {
      for (const [name] of this.#zone.namespaces.get(namespace)?.services ?? []) {
        changed.add(serviceKey(namespace, name));
      }
    }
    return changed;
  }

  #current(key: ServiceKey): ServiceRecords | undefined {
    const { namespace, name } = splitServiceKey(key);
    return this.#zone.namespaces.get(namespace)?.services.get(name);
  }

  #derive(key: ServiceKey): ServiceRecords | undefined {
    const serviceImport = this.#deps.imports.get(key);
    if (serviceImport === undefined) {
      this.#spilled.delete(key);
      return undefined;
    }
    const { namespace, name } = splitServiceKey(key);
    const derived = deriveServiceRecords({
      key,
      origin: `${name}.${namespace}.svc.${this.#options.zone}`,
      serviceImport,
      slices: this.#slices(key),
      hadSpilled: this.#spilled.has(key),
      ...(this.#options.endpoints === undefined ? {} : { policy: this.#options.endpoints }),
    });
    if (derived.hasSpilled) this.#spilled.add(key);
    else this.#spilled.delete(key);
    if (derived.problems.length > 0) {
      this.#deps.log.warn("service has parts without a record", {
        key,
        problems: derived.problems.slice(0, 10),
        problemCount: derived.problems.length,
      });
    }
    return derived.records;
  }

  #slices(key: ServiceKey): readonly EndpointSlice[] {
    const keys = [...(this.#slicesOf.get(key) ?? [])];
    const slices = keys
      .map((slice) => this.#deps.slices.get(slice))
      .filter((slice) => slice !== undefined);
    const { deadPeers } = this.#deps;
    return deadPeers === undefined ? slices : livingSlices(slices, deadPeers.current);
  }
}

function isSame(left: ServiceRecords | undefined, right: ServiceRecords | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return isSameRecords(left, right);
}

function toServiceKey(key: string): ServiceKey {
  const slash = key.indexOf("/");
  return serviceKey(key.slice(0, slash), key.slice(slash + 1));
}

/** The service an MCS slice belongs to; undefined for other slices (EPS-03, EPS-04). */
function serviceOf(slice: EndpointSlice): ServiceKey | undefined {
  const { namespace, labels } = slice.metadata;
  const name = labels?.[LABEL_SERVICE_NAME];
  if (name === undefined || namespace === undefined) return undefined;
  return labels?.[LABEL_SOURCE_CLUSTER] === undefined ? undefined : serviceKey(namespace, name);
}

function* take<T>(set: Set<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of set) {
    if (taken++ >= count) return;
    set.delete(item);
    yield item;
  }
}
