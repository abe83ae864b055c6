import type { ClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ProxyTraffic } from "../../api/network/proxy-traffic.ts";
import type { Result } from "../../api/result.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { TurnEnd } from "./bridge/turn-end.ts";
import { ExportBook } from "./dial/export-book.ts";
import type { ExportPolicy } from "./dial/export-policy.ts";
import { type ImportFacts, ServiceDialler } from "./dial/service-dialler.ts";
import { ImportBook } from "./listen/import-book.ts";
import { ServiceListeners } from "./listen/service-listeners.ts";
import { portNumberOf } from "./merged-ports.ts";
import { CreditBudget } from "./stream/credit-budget.ts";
import { DEFAULT_LIMITS } from "./stream/session-limits.ts";
import { StreamRecorder } from "./traffic/stream-record.ts";
import type { PeerEndpoints } from "./tunnel/place-slots.ts";
import { TunnelHub, type TunnelHubDeps, type TunnelHubOptions } from "./tunnel/tunnel-hub.ts";
import type { TunnelIdentity } from "./tunnel/tunnel-identity.ts";

export interface ProxyNodeOptions extends TunnelHubOptions {
  /** Addresses of ours that slices may send clients to. */
  readonly ownAddresses: readonly string[];
  /** Where clients are listened for; undefined: on every address. */
  readonly clientHost: string | undefined;
  readonly udpIdleMs: number;
  /** Bytes that all peers together may make us hold. */
  readonly bufferMaxBytes: number;
  readonly logsConnections: boolean;
  /** Connections, or sessions, that the listener of one imported port may have at once. @default 16384 */
  readonly clientsMax?: number;
}

export interface ProxyNodeDeps
  extends Pick<TunnelHubDeps, "identity" | "readCluster" | "clock" | "random" | "log"> {
  readonly meter: Meter;
  /** Undefined: there is no such export. */
  readonly policyOf: (service: ServiceKey) => ExportPolicy | undefined;
  /** Undefined: it is not imported here, or not yet. */
  readonly importOf: (service: ServiceKey) => ImportFacts | undefined;
  readonly namespaceOf: (address: string) => string;
  readonly onPeerChanged: (peer: ClusterId) => void;
}

const DRAIN_CHECK_MS = 100;

/** One proxy: tunnels, what is exported through it and what is imported, held together. */
export class ProxyNode {
  readonly hub: TunnelHub;
  readonly listeners: ServiceListeners;
  readonly #cluster: ClusterId;
  readonly #clock: ProxyNodeDeps["clock"];
  readonly #exports = new ExportBook();
  readonly #imports: ImportBook;
  readonly #recorder: StreamRecorder;

  constructor(options: ProxyNodeOptions, deps: ProxyNodeDeps) {
    this.#cluster = deps.identity.cluster;
    this.#clock = deps.clock;
    this.#imports = new ImportBook(this.#cluster, options.ownAddresses);
    const recorder = new StreamRecorder(options, deps);
    this.#recorder = recorder;
    const shared = { ...deps, turnEnd: new TurnEnd(), recorder, udpIdleMs: options.udpIdleMs };
    const { clientsMax } = options;
    const dialler = new ServiceDialler({ ...shared, exports: this.#exports });
    this.hub = new TunnelHub(options, {
      ...deps,
      budget: new CreditBudget(options.bufferMaxBytes),
      limits: DEFAULT_LIMITS,
      instance: Math.floor(deps.random.next() * 2 ** 32),
      onServiceStream: (stream, peer) => dialler.onStream(stream, peer),
    });
    this.listeners = new ServiceListeners(options.clientHost, {
      ...shared,
      ...(clientsMax !== undefined && { clientsMax }),
      open: (peer, header) => this.hub.open(peer, header),
      portNumberOf: ({ namespace, name, port, protocol }) =>
        portNumberOf(deps.importOf(serviceKey(namespace, name))?.ports ?? [], port, protocol),
    });
  }

  /** Where peers may dial us. */
  listen(address: ListenAddress): Promise<Result<ListenAddress, string>> {
    return this.hub.listen(address);
  }

  setPeers(peers: PeerEndpoints): void {
    this.hub.setPeers(peers);
  }

  setIdentity(identity: TunnelIdentity): void {
    this.hub.setIdentity(identity);
  }

  /** An MCS slice is new or has changed. Call `applyImports` after the last of several. */
  putSlice(slice: EndpointSlice): void {
    if (this.#isOwn(slice)) this.#exports.put(slice);
    else this.#imports.put(slice);
  }

  removeSlice(slice: EndpointSlice): void {
    if (this.#isOwn(slice)) this.#exports.remove(slice);
    else this.#imports.remove(slice);
  }

  applyImports(): Promise<void> {
    return this.listeners.set(this.#imports.wanted());
  }

  /** Whether clients that this slice sends to us are listened for. False too: it sends us none. */
  listensFor(slice: EndpointSlice): boolean {
    const slots = this.#imports.slotsOf(slice);
    return slots.length > 0 && slots.every((slot) => this.listeners.has(slot));
  }

  /** Counts what has been carried up to now, for the meters too. */
  countTraffic(): ProxyTraffic {
    this.#recorder.count();
    return this.#recorder.summary();
  }

  /** Goes on for a while, so that clients that are still sent here find what they look for; not where none can come. */
  async linger(lingerMs: number): Promise<void> {
    if (this.listeners.size > 0) await sleep(this.#clock, lingerMs, new AbortController().signal);
  }

  /** Takes nothing new, waits for what is open up to `drainMs`, then ends it. */
  async stop(drainMs: number): Promise<void> {
    this.listeners.close();
    this.hub.drain();
    const untilMs = this.#clock.monotonicMs() + drainMs;
    const { signal } = new AbortController();
    while (this.#streamCount() > 0 && this.#clock.monotonicMs() < untilMs) {
      await sleep(this.#clock, DRAIN_CHECK_MS, signal);
    }
    this.hub.stop();
  }

  #streamCount(): number {
    return this.hub.peers
      .flatMap(({ all }) => all)
      .reduce((sum, { streamCount }) => sum + streamCount, 0);
  }

  #isOwn(slice: EndpointSlice): boolean {
    return slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] === this.#cluster;
  }
}
