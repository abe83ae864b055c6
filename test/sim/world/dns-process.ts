import { invariant } from "../../../api/invariant.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../../api/kube/namespace.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { PEERS } from "../../../api/network/resources.ts";
import { type ServiceKey, splitServiceKey } from "../../../api/service-key.ts";
import { Responder } from "../../../dns-server/answer/responder.ts";
import { DeadPeersView } from "../../../dns-server/source/dead-peers-view.ts";
import { type DeadPeers, ZoneSource } from "../../../dns-server/source/zone-source.ts";
import { messageText } from "../../../dns-server/testing/message-text.ts";
import { CLIENT, queryPacket } from "../../../dns-server/testing/test-responder.ts";
import { MESSAGE_BYTES_MAX } from "../../../dns-server/wire/dns-numbers.ts";
import { parseZoneConfig } from "../../../dns-server/zone/zone-config.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { Reflector } from "../../../runtime/kube/reflector/reflector.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import type { Report } from "../check/violation.ts";
import type { MemberPaths } from "../paths/member-paths.ts";
import { SIM_KEYS } from "../script/service-shapes.ts";
import type { KubeFaults } from "./kube-faults.ts";
import { reportingLogger } from "./reporting-logger.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { Wiring } from "./wiring.ts";

/** Room for one answer, used for each. */
const ANSWER = Buffer.alloc(MESSAGE_BYTES_MAX);

/** The default makes room for a hundred thousand answers at each start. */
const CACHE_LIMITS = { entriesMax: 100, bytesMax: 100_000 };

export interface DnsProcessDeps {
  readonly cluster: SimCluster;
  readonly faults: KubeFaults;
  readonly random: Random;
  readonly wiring: Wiring;
  readonly report: Report;
  /** A new zone is being served. */
  readonly onZone: (process: DnsProcess, changed: readonly string[]) => void;
  /** What a view behind the zone says of these services has changed. */
  readonly onView: (process: DnsProcess, services: readonly string[]) => void;
  /** Present: its member takes part in connectivity. */
  readonly paths?: MemberPaths | undefined;
}

/** What the DNS server sees: the objects its zone may be made of. */
export interface DnsViews {
  readonly imports: Reflector<ServiceImport>;
  readonly slices: Reflector<EndpointSlice>;
  readonly namespaces: Reflector<Namespace>;
  /** Where its member takes part in connectivity. */
  readonly peers?: Reflector<KubeObject>;
  readonly deadPeers?: DeadPeers;
}

/** One run of a member's DNS server: reflectors, zone and answers, without the listeners. */
export class DnsProcess {
  readonly views: DnsViews;
  readonly #cluster: SimCluster;
  readonly #client: InMemoryKubeClient;
  readonly #responder: Responder;
  readonly #source: ZoneSource;
  readonly #stop = new AbortController();

  constructor(deps: DnsProcessDeps) {
    const { cluster, faults, random, wiring } = deps;
    this.#cluster = cluster;
    this.#client = cluster.client("dns", { intercept: faults.intercept });
    const late = faults.delayWatches(this.#client);
    const client = wiring.dnsKube?.(late) ?? late;
    const { clock } = cluster;
    const log = reportingLogger(`dns of ${cluster.id}`, deps.report);
    const parts = { client, clock, random, log, meter: silentMeter };
    const peers =
      deps.paths === undefined ? undefined : new Reflector<KubeObject>({ resource: PEERS }, parts);
    const deadPeers = peers === undefined ? undefined : new DeadPeersView(peers.view);
    this.views = {
      ...(peers === undefined ? {} : { peers }),
      ...(deadPeers === undefined ? {} : { deadPeers }),
      imports: new Reflector({ resource: serviceImports("v1beta1") }, parts),
      slices: new Reflector(
        { resource: ENDPOINT_SLICES, labelSelector: LABEL_SERVICE_NAME },
        parts,
      ),
      namespaces: new Reflector({ resource: NAMESPACES }, parts),
    };
    const config = parseZoneConfig({});
    invariant(config.ok, "the default zone is valid", {});
    const responder = new Responder(
      {
        config: config.value,
        udpPayloadBytes: 1232,
        edns: { tcpIdleMs: 10_000, nowSeconds: () => Math.floor(clock.nowMs() / 1000) },
        cacheLimits: CACHE_LIMITS,
      },
      () => undefined,
    );
    this.#responder = responder;
    const publish =
      wiring.publishZone?.(responder) ?? ((zone, changed) => responder.setZone(zone, changed));
    const { imports, slices, namespaces } = this.views;
    // Before the zone subscribes: what it derives from was seen here first.
    imports.view.subscribe((event) => {
      if (event.kind === "changed") deps.onView(this, [event.key]);
    });
    slices.view.subscribe((event) => {
      if (event.kind === "changed") deps.onView(this, [event.before, event.after].flatMap(ownerOf));
    });
    namespaces.view.subscribe((event) => {
      if (event.kind === "changed") deps.onView(this, servicesIn(event.key));
    });
    deadPeers?.subscribe(() => deps.onView(this, SIM_KEYS));
    this.#source = new ZoneSource(
      { zone: config.value.zone },
      {
        clock,
        log,
        imports: imports.view,
        slices: slices.view,
        namespaces: namespaces.view,
        ...(deadPeers === undefined ? {} : { deadPeers }),
      },
      (zone, changed, rebuildMs) => {
        const services = [...changed];
        publish(zone, services, rebuildMs);
        deps.onZone(this, services);
      },
    );
  }

  get cluster(): SimCluster {
    return this.#cluster;
  }

  start(): void {
    this.#source.start();
    const { imports, slices, namespaces, peers } = this.views;
    peers?.start(this.#stop.signal);
    for (const reflector of [imports, slices, namespaces]) reflector.start(this.#stop.signal);
  }

  stop(): void {
    this.#source.stop();
    this.#stop.abort();
  }

  cutWatches(error: KubeError): void {
    this.#client.breakWatches(error);
  }

  /**
   * Response codes and addresses of both families of the service's name, or of a host's below it, sorted:
   * `NOERROR 10.0.0.1,10.0.0.2,fd00::1`.
   */
  addresses(key: ServiceKey, host?: string): string {
    const { namespace, name } = splitServiceKey(key);
    const service = `${name}.${namespace}.svc.clusterset.local`;
    const answers = ["A", "AAAA"].map((type) => {
      const question = `${host === undefined ? "" : `${host}.`}${service} ${type}`;
      const packet = queryPacket(question);
      const bytes = this.#responder.respond(packet, packet.length, "tcp", ANSWER, CLIENT);
      invariant(bytes > 0, "a query is answered", { key });
      const [status = "", ...records] = messageText(ANSWER.subarray(0, bytes));
      const addresses = records.flatMap((record) => / IN A{1,4} (\S+)$/.exec(record)?.[1] ?? []);
      return { code: status.split(" ")[0] ?? "", addresses };
    });
    // A name exists or it does not, whatever is asked of it.
    const codes = new Set(answers.map(({ code }) => code));
    const addresses = answers.flatMap((answer) => answer.addresses);
    return `${[...codes].join("/")} ${addresses.toSorted().join(",")}`;
  }
}

function ownerOf(slice: EndpointSlice | undefined): readonly string[] {
  const name = slice?.metadata.labels?.[LABEL_SERVICE_NAME];
  return name === undefined ? [] : [`${slice?.metadata.namespace}/${name}`];
}

function servicesIn(namespace: string): readonly string[] {
  return SIM_KEYS.filter((key) => key.startsWith(`${namespace}/`));
}
