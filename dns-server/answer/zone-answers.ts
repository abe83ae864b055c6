import type { ServiceKey } from "../../api/service-key.ts";
import { MESSAGE_BYTES_MAX, TYPE } from "../wire/dns-numbers.ts";
import type { RecordData } from "../wire/message-writer.ts";
import { type AheadOfZone, NOTHING_AHEAD } from "../zone/ahead-of-zone.ts";
import { type AbsenceReason, findName, type NameLookup } from "../zone/find-name.ts";
import type { NameNode, ServiceRecords } from "../zone/service-records.ts";
import { staticNames } from "../zone/static-names.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { AnswerCache, type AnswerCacheLimits, type CachedAnswer } from "./answer-cache.ts";
import { compileAnswer, isCacheable } from "./compile-answer.ts";
import { ABSENCE_ERRORS, EXTENDED_ERRORS } from "./extended-errors.ts";
import type { Question } from "./question.ts";
import { labelsBefore } from "./question-name.ts";
import { type RecordContext, selectRecords } from "./select-records.ts";

/** The current zone and the answers compiled from it. */
export class ZoneAnswers {
  readonly #config: ZoneConfig;
  readonly #statics: ReadonlyMap<string, NameNode>;
  readonly #cache: AnswerCache;
  readonly #ahead: AheadOfZone;
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  /** Undefined before the first zone (DNS-42). */
  zone: ZoneSnapshot | undefined;

  constructor(
    config: ZoneConfig,
    cacheLimits?: AnswerCacheLimits,
    ahead: AheadOfZone = NOTHING_AHEAD,
  ) {
    this.#config = config;
    this.#ahead = ahead;
    this.#statics = staticNames(config);
    this.#cache = new AnswerCache(cacheLimits);
  }

  get cacheSize(): number {
    return this.#cache.size;
  }

  setZone(zone: ZoneSnapshot, changed: Iterable<ServiceKey>): void {
    this.zone = zone;
    for (const key of changed) this.#cache.invalidate(key);
  }

  /** What is known already: names of the zone only, and nothing before the first zone. */
  // HOT: runs once per packet.
  known(question: Question): CachedAnswer | undefined {
    const cached = this.#cache.get(question);
    if (this.#ahead.size === 0) return cached;
    const service = cached?.service;
    if (service === undefined || !this.#ahead.has(service)) return cached;
    if (this.#ahead.isKnown(service)) return cached;
    // Compiled before: from now on what is compiled of this service is right.
    this.#ahead.records(service);
    this.#cache.invalidate(service);
    return undefined;
  }

  /** What the zone, which begins at `zoneAt` of the name, says to a question that is not known yet. */
  compile(zone: ZoneSnapshot, question: Question, zoneAt: number, type: number): CachedAnswer {
    const labels = labelsBefore(question.bytes, zoneAt);
    if (labels === undefined) return ABSENT["unknown-name"];
    const found = findName(zone, this.#statics, labels, this.#ahead);
    // NXDOMAIN is not kept: its names are without number.
    if (found.kind === "nxdomain") return ABSENT[found.reason];
    const compiled = this.#compile(zone, found, labels, type);
    if (isCacheable(type)) this.#cache.add(question, compiled);
    return compiled;
  }

  #compile(
    zone: ZoneSnapshot,
    found: Exclude<NameLookup, { kind: "nxdomain" }>,
    labels: readonly string[],
    type: number,
  ): CachedAnswer {
    const isService = found.kind === "service";
    const origin = [...(isService ? labels.slice(-3) : []), this.#config.zone].join(".");
    const context: RecordContext = { config: this.#config, serial: zone.serial, origin };
    const records = selectRecords(found.node, type, context);
    const owner = isService ? { service: found.service.key } : {};
    if (records === undefined) {
      const isWaiting = isService && !hasAddress(found.service);
      return isWaiting ? { ...owner, error: EXTENDED_ERRORS.noAddress } : owner;
    }
    const names = isService ? found.service.names : this.#statics;
    const input = {
      name: [...labels, this.#config.zone].join("."),
      type,
      records,
      addressesOf: (target: string) => addressesOf(names, target, context),
    };
    return { answer: compileAnswer(input, this.#scratch), ...owner };
  }
}

/** One value per reason: floods of names that do not exist make no garbage here. */
const ABSENT: Readonly<Record<AbsenceReason, CachedAnswer>> = {
  "unknown-name": absent("unknown-name"),
  "unknown-namespace": absent("unknown-namespace"),
  "unknown-service": absent("unknown-service"),
  "no-ready-endpoint": absent("no-ready-endpoint"),
  "unknown-part": absent("unknown-part"),
};

function absent(reason: AbsenceReason): CachedAnswer {
  return { isAbsent: true, error: ABSENCE_ERRORS[reason] };
}

/** False for a ClusterSetIP import that waits for its address; every other service has one by itself. */
function hasAddress(service: ServiceRecords): boolean {
  const bare = service.names.get("");
  return bare?.a !== undefined || bare?.aaaa !== undefined;
}

function addressesOf(
  names: ReadonlyMap<string, NameNode>,
  target: string,
  context: RecordContext,
): readonly RecordData[] {
  const relative = target === context.origin ? "" : target.slice(0, -context.origin.length - 1);
  const node = names.get(relative);
  if (node === undefined) return [];
  return [TYPE.A, TYPE.AAAA].flatMap((type) => selectRecords(node, type, context)?.data ?? []);
}
