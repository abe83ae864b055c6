import type { ExportRow, ServiceRow } from "../../../api/broker/row.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { type IpFamily, SERVICES, type Service } from "../../../api/kube/service.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { SIM_KEYS } from "../script/service-shapes.ts";
import { type Change, collectionName, type SimCluster, typedObject } from "../world/sim-cluster.ts";
import { IMPORTS_COLLECTION, importOf } from "./import-of-object.ts";
import { EXPORTS, liveExport } from "./live-export.ts";
import type { Report } from "./violation.ts";
import { isDeleting, isOwn } from "./write-rules.ts";

const IMPORTS = serviceImports("v1beta1");
const EXPORTS_COLLECTION = collectionName(EXPORTS);
const SERVICES_COLLECTION = collectionName(SERVICES);
const NAMESPACES_COLLECTION = collectionName(NAMESPACES);

/** Longer than one pass over one service takes, slow requests included. */
const PASS_MS_MAX = 30_000;

/** How one export fared since the last checkpoint. */
interface Course {
  readonly wasLive: boolean;
  isLive: boolean;
  turns: number;
}

/**
 * I4: an import is never deleted while an export lives that its member knows of, and I5: its address stays.
 *
 * "Knows" is exact: the member's mirror has shown the export's row (or it has published its own export), and that row
 * belongs to the present life of the export. Since rows of two lives look alike, an export counts only when it has begun
 * to live at most once since the last checkpoint and not ended since. Nothing makes a member forget: neither a restart, nor an
 * owner that comes back as another incarnation, nor a broker that lost its store, since unknown is not none. A namespace
 * that went in the importer counts again from the next checkpoint on.
 */
export class ImportLifetime {
  readonly #clusters: readonly SimCluster[];
  readonly #clock: Clock;
  readonly #report: Report;
  /** `exporter namespace/name`. BOUNDED: by members and services of a script, as all sets here. */
  readonly #courses = new Map<string, Course>();
  /** `importer exporter namespace/name`, and from when on it counts. */
  readonly #known = new Map<string, number>();
  /** `importer namespace`. */
  readonly #disturbed = new Set<string>();
  /** `importer namespace/name` whose objects a user has touched. */
  readonly #touched = new Set<string>();
  /** `namespace/name type`, for the types that exported Services have had. */
  readonly #types = new Set<string>();
  /** `namespace/name families`, likewise. */
  readonly #families = new Map<string, readonly IpFamily[]>();

  constructor(
    clusters: readonly SimCluster[],
    { clock, report }: { readonly clock: Clock; readonly report: Report },
  ) {
    this.#clusters = clusters;
    this.#clock = clock;
    this.#report = report;
  }

  /** The world is at rest: what is known holds for what lives now. */
  checkpointed(): void {
    for (const memory of [
      this.#courses,
      this.#disturbed,
      this.#touched,
      this.#types,
      this.#families,
    ])
      memory.clear();
    for (const cluster of this.#clusters) {
      for (const key of SIM_KEYS) this.#follow(cluster, key);
    }
  }

  onChange(change: Change): void {
    const { cluster, collection, key, after } = change;
    if (collection === EXPORTS_COLLECTION || collection === SERVICES_COLLECTION) {
      if (after === undefined) this.#ended(cluster, key);
      this.#follow(cluster, key);
    }
    if (collection === NAMESPACES_COLLECTION) {
      for (const service of SIM_KEYS.filter((one) => one.startsWith(`${key}/`))) {
        this.#follow(cluster, service);
      }
    }
    if (collection === NAMESPACES_COLLECTION && (after === undefined || isDeleting(after))) {
      this.#disturbed.add(`${cluster.id} ${key}`);
      this.#forget((entry) => entry.startsWith(`${cluster.id} `) && entry.includes(` ${key}/`));
    }
    const isOurs = [change.before, after].some((object) => object !== undefined && isOwn(object));
    if (isOurs && change.author !== "controllers") {
      this.#touched.add(`${cluster.id} ${importOf(change)}`);
    }
    if (collection === IMPORTS_COLLECTION) this.#checkImport(change);
  }

  /** The member's mirror shows these rows of the service. */
  rowsSeen(importer: SimCluster, key: string, rows: readonly ServiceRow[]): void {
    for (const { cluster } of rows.filter(isExportRow)) this.#learn(importer, cluster, key);
  }

  /** The member has published this service itself. */
  rowsPublished(exporter: SimCluster, key: string, rows: readonly ServiceRow[]): void {
    if (rows.some(isExportRow)) this.#learn(exporter, exporter.id, key);
    else this.#known.delete(`${exporter.id} ${exporter.id} ${key}`);
  }

  #learn(importer: SimCluster, exporter: string, key: string): void {
    const course = this.#courses.get(`${exporter} ${key}`);
    const [namespace = ""] = key.split("/");
    if (course === undefined || this.#disturbed.has(`${importer.id} ${namespace}`)) return;
    const isFirstLife = course.wasLive ? course.turns === 0 : course.turns === 1;
    const entry = `${importer.id} ${exporter} ${key}`;
    if (!course.isLive || !isFirstLife || this.#known.has(entry)) return;
    // An import that is older than this knowledge may be in the hands of a pass that began without it.
    const isOlder = importer.get(IMPORTS, key) !== undefined;
    this.#known.set(entry, this.#clock.monotonicMs() + (isOlder ? PASS_MS_MAX : 0));
  }

  /**
   * One half of an export is gone, whether the other was there or not: a view that lags may still join the old half to
   * a new other one, and so show a life that never was (seed 8446).
   */
  #ended(cluster: SimCluster, key: string): void {
    const course = this.#courses.get(`${cluster.id} ${key}`);
    if (course !== undefined && !course.isLive) course.turns += 1;
  }

  #follow(cluster: SimCluster, key: string): void {
    const [namespace = "", name = ""] = key.split("/");
    const live = liveExport(cluster, namespace, name);
    const id = `${cluster.id} ${key}`;
    const isLive = live !== undefined;
    const course = this.#courses.get(id) ?? { wasLive: isLive, isLive, turns: 0 };
    this.#courses.set(id, course);
    if (course.isLive !== isLive) course.turns += 1;
    course.isLive = isLive;
    if (course.wasLive || course.turns > 0) this.#noteShape(cluster, key);
    if (!isLive) this.#forget((entry) => entry.endsWith(` ${id}`));
  }

  /** Of a Service that is exported, or was: views of exports and of Services lag each for itself. */
  #noteShape(cluster: SimCluster, key: string): void {
    const service = cluster.get<Service>(SERVICES, key);
    if (service === undefined) return;
    const { clusterIP, ipFamilies = [] } = service.spec;
    this.#types.add(`${key} ${clusterIP === "None"}`);
    this.#families.set(`${key} ${ipFamilies.join()}`, ipFamilies);
  }

  #checkImport({ cluster, author, key, before, after }: Change): void {
    if (before === undefined || author !== "controllers" || !isOwn(before)) return;
    if (after === undefined || isDeleting(after)) {
      const nowMs = this.#clock.monotonicMs();
      const living = [...this.#known].filter(
        ([entry, fromMs]) =>
          fromMs <= nowMs && entry.startsWith(`${cluster.id} `) && entry.endsWith(` ${key}`),
      );
      if (living.length > 0) {
        const exporters = living.map(([entry]) => entry.split(" ")[1]);
        this.#report(
          "I4",
          `import ${key} of ${cluster.id} deleted, exported by ${exporters.join()}`,
        );
      }
      return;
    }
    this.#checkAddress(cluster, key, typedObject(before, IMPORTS), typedObject(after, IMPORTS));
  }

  /**
   * Where nobody touched our objects, no two exports disagree about the type, and each has a family that this cluster can
   * route, the first address never changes (I5).
   */
  #checkAddress(
    cluster: SimCluster,
    key: string,
    before: ServiceImport,
    after: ServiceImport,
  ): void {
    const [was, is] = [before.spec?.ips?.[0], after.spec?.ips?.[0]];
    if (was === undefined || was === is || this.#touched.has(`${cluster.id} ${key}`)) return;
    const types = [...this.#types].filter((entry) => entry.startsWith(`${key} `));
    if (types.length > 1) return;
    const hasUnroutable = [...this.#families].some(
      ([entry, families]) =>
        entry.startsWith(`${key} `) && !families.some((one) => cluster.families.includes(one)),
    );
    if (hasUnroutable) return;
    this.#report("I5", `clusterset IP of ${key} in ${cluster.id} changed from ${was} to ${is}`);
  }

  #forget(isOver: (entry: string) => boolean): void {
    for (const entry of this.#known.keys()) if (isOver(entry)) this.#known.delete(entry);
  }
}

function isExportRow(row: ServiceRow): row is ExportRow {
  return row.kind === "export";
}
