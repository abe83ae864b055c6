import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, isIPv6, type Socket } from "node:net";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { ServiceImportSpec } from "../../../api/mcs/service-import.ts";
import { addressBytes } from "../../../api/network/address-bytes.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { DatagramBridge, sendOrDrop } from "../bridge/datagram-bridge.ts";
import { HeldStream } from "../bridge/held-stream.ts";
import { SharedRead } from "../bridge/shared-read.ts";
import { type BridgeEnd, joinSocket } from "../bridge/socket-bridge.ts";
import type { TurnEnd } from "../bridge/turn-end.ts";
import type { ResetCode } from "../frame/frame-type.ts";
import type { ServiceOpen } from "../frame/open-header.ts";
import { portNameOf } from "../merged-ports.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { StreamRecorder } from "../traffic/stream-record.ts";
import { type StickyClient, stickyClient } from "./client-affinity.ts";
import { EndpointBalance } from "./endpoint-balance.ts";
import type { Candidate, ExportBook } from "./export-book.ts";
import type { ExportPolicy } from "./export-policy.ts";
import { encodeProxyHeader } from "./proxy-header.ts";

/** An endpoint must take the connection within this. */
const CONNECT_MS = 5_000;
/** Endpoints that are tried for one stream. */
const MAX_TRIES = 3;

/** Of the own ServiceImport: names of ports, and whether and for how long a client is to come back to the same endpoint (IMP-21). */
export type ImportFacts = Pick<
  ServiceImportSpec,
  "ports" | "sessionAffinity" | "sessionAffinityConfig"
>;

export interface ServiceDiallerDeps {
  readonly exports: ExportBook;
  /** Undefined: there is no such export, whatever slices say. */
  readonly policyOf: (service: ServiceKey) => ExportPolicy | undefined;
  /** Undefined: it is not imported here, or not yet. */
  readonly importOf: (service: ServiceKey) => ImportFacts | undefined;
  readonly udpIdleMs: number;
  readonly turnEnd: TurnEnd;
  readonly clock: Clock;
  readonly random: Random;
  readonly recorder: StreamRecorder;
}

/** The exporting side: takes a peer's stream to an endpoint of what it asks for, if it may have it. */
export class ServiceDialler {
  readonly #deps: ServiceDiallerDeps;
  readonly #balance: EndpointBalance;

  constructor(deps: ServiceDiallerDeps) {
    this.#deps = deps;
    this.#balance = new EndpointBalance(deps.random);
  }

  onStream(stream: TunnelStream, peer: ClusterId): void {
    const { header } = stream;
    if (header.kind !== "service") return stream.reset("internal");
    const record = this.#deps.recorder.begin("in", peer, header);
    const key = serviceKey(header.namespace, header.name);
    const policy = this.#deps.policyOf(key);
    const facts = this.#deps.importOf(key);
    const port = portAsHere(header, facts);
    const candidates =
      policy === undefined || port === undefined
        ? []
        : this.#deps.exports.find({ ...header, port });
    const refuse = (code: ResetCode): void => {
      stream.reset(code);
      record.end({ code, bytesIn: 0, bytesOut: 0 });
    };
    if (policy === undefined || candidates.length === 0) return refuse("not-exported");
    if (!policy.admits(peer, header.clientNamespace)) return refuse("forbidden");
    const nowMs = this.#deps.clock.monotonicMs();
    const sticky = stickyClient(header, facts);
    const order = this.#balance.order(candidates, nowMs, { sticky, limit: MAX_TRIES });
    const job: Job = { stream, header, peer, policy, record, sticky };
    if (header.protocol === "udp") this.#dialDatagrams(job, order);
    else this.#dial(job, order);
  }

  /** Tries one after the other; what the client has said meanwhile waits. */
  #dial(job: Job, order: readonly Candidate[]): void {
    const { stream, record } = job;
    const { clock } = this.#deps;
    let socket: Socket | undefined;
    const held = new HeldStream(stream, (code) => {
      socket?.destroy();
      record.end({ code, bytesIn: 0, bytesOut: 0 });
    });
    const attempt = (at: number, why: ResetCode): void => {
      const candidate = order[at];
      if (stream.isGone) return;
      if (candidate === undefined) {
        stream.reset(why);
        record.end({ code: why, bytesIn: 0, bytesOut: 0 });
        return;
      }
      const { address: host, port } = candidate;
      const read = new SharedRead();
      const { onread } = read;
      const tried = connect({ host, port, allowHalfOpen: true, noDelay: true, onread });
      socket = tried;
      const fail = (code: ResetCode): void => {
        timer.cancel();
        tried.removeAllListeners();
        tried.on("error", () => undefined);
        tried.destroy();
        this.#balance.failed(candidate, clock.monotonicMs());
        attempt(at + 1, code);
      };
      // After what has come meanwhile has been read: it may be this process that stood still.
      const timer = clock.setTimer(CONNECT_MS, () =>
        setImmediate(() => {
          if (tried.connecting) fail("timeout");
        }),
      );
      const onError = (): void => fail("refused");
      tried.on("error", onError);
      tried.on("connect", () => {
        timer.cancel();
        if (stream.isGone) return void tried.destroy();
        this.#join(job, { socket: tried, read, candidate });
        tried.off("error", onError);
        held.release();
      });
    };
    attempt(0, "not-exported");
  }

  #join(job: Job, { socket, read, candidate }: Joined): void {
    const { stream, header, peer, policy, record, sticky } = job;
    this.#balance.succeeded(candidate, this.#deps.clock.monotonicMs(), sticky);
    this.#balance.started(candidate);
    record.connected();
    if (policy.sendsProxyHeader) socket.write(proxyHeader(header, peer, candidate));
    const counts = joinSocket(socket, stream, {
      read,
      turnEnd: this.#deps.turnEnd,
      onDone: (end) => {
        this.#balance.ended(candidate);
        record.end(end);
      },
    });
    record.follow(counts);
    stream.accept();
  }

  /** As `#dial`. Nobody answers, but the system may know of no way to an endpoint. */
  #dialDatagrams(job: Job, order: readonly Candidate[]): void {
    const { stream, record } = job;
    let socket: UdpSocket | undefined;
    const held = new HeldStream(stream, (code) => {
      socket?.close();
      record.end({ code, bytesIn: 0, bytesOut: 0 });
    });
    const attempt = (at: number, why: ResetCode): void => {
      const candidate = order[at];
      if (candidate === undefined) {
        stream.reset(why);
        record.end({ code: why, bytesIn: 0, bytesOut: 0 });
        return;
      }
      const tried = createSocket(isIPv6(candidate.address) ? "udp6" : "udp4");
      socket = tried;
      // A refusal (ICMP port unreachable) shows as an error of a later call: the client would see a lost datagram.
      tried.on("error", () => undefined);
      tried.connect(candidate.port, candidate.address, (error?: Error) => {
        if (stream.isGone) return;
        if (error === undefined) {
          this.#joinDatagrams(job, tried, candidate);
          held.release();
          return;
        }
        tried.close();
        socket = undefined;
        this.#balance.failed(candidate, this.#deps.clock.monotonicMs());
        attempt(at + 1, "refused");
      });
    };
    attempt(0, "not-exported");
  }

  #joinDatagrams(job: Job, socket: UdpSocket, candidate: Candidate): void {
    const { stream, header, peer, policy, record, sticky } = job;
    this.#balance.succeeded(candidate, this.#deps.clock.monotonicMs(), sticky);
    this.#balance.started(candidate);
    record.connected();
    const front = policy.sendsProxyHeader ? [proxyHeader(header, peer, candidate)] : [];
    const bridge = new DatagramBridge(stream, {
      deliver: (datagram) => sendOrDrop(socket, () => socket.send([...front, datagram])),
      idleMs: this.#deps.udpIdleMs,
      clock: this.#deps.clock,
      onDone: (end: BridgeEnd): void => {
        this.#balance.ended(candidate);
        socket.close();
        record.end(end);
      },
    });
    socket.on("message", (datagram) => bridge.send(datagram));
    record.follow(bridge);
    stream.accept();
  }
}

/** An endpoint that took the connection. */
interface Joined {
  readonly socket: Socket;
  readonly read: SharedRead;
  readonly candidate: Candidate;
}

interface Job {
  readonly stream: TunnelStream;
  readonly header: ServiceOpen;
  readonly peer: ClusterId;
  readonly policy: ExportPolicy;
  readonly record: ReturnType<StreamRecorder["begin"]>;
  /** Undefined: any endpoint will do. */
  readonly sticky: StickyClient | undefined;
}

/** Name of the port in the own slices; undefined: it is none of ours. A peer that tells no number names it as we do. */
function portAsHere(
  { port, portNumber, protocol }: ServiceOpen,
  facts: ImportFacts | undefined,
): string | undefined {
  if (portNumber === 0 || facts === undefined) return port;
  return portNameOf(facts.ports, portNumber, protocol);
}

function proxyHeader(header: ServiceOpen, cluster: ClusterId, to: Candidate): Uint8Array {
  return encodeProxyHeader({
    protocol: header.protocol,
    client: header.client,
    endpoint: { address: addressBytes(to.address), port: to.port },
    cluster,
    namespace: header.clientNamespace,
  });
}
