import type { IpFamily } from "../../../api/kube/service.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { SharedRecords } from "../../../broker/shared/shared-records.ts";
import type { ProbeNetwork } from "../../../cli/paths/probe-network.ts";
import type { PathSelection } from "../../../connectivity/path-selection.ts";
import type { PeerStreams } from "../../../connectivity/select/lone-responder.ts";
import type { PathSettings } from "../../../connectivity/select/path-settings.ts";
import type { Candidate } from "../../../controllers/leadership/run-while-leading.ts";
import type { Responder } from "../../../dns-server/answer/responder.ts";
import type { ZoneListener } from "../../../dns-server/source/zone-source.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";

export type BookRecords = Pick<SharedRecords, "read" | "create" | "replace">;

/**
 * Where a planted bug may sit between the real parts. The product's parts themselves are never changed: a bug is a
 * wrapper around one of their ports.
 */
export interface Wiring {
  /** Between the controllers and the API server. Called once per start of the controllers. */
  readonly controllersKube?: (client: KubeClient) => KubeClient;
  /** What the controllers are told of the cluster. */
  readonly localFamilies?: (families: readonly IpFamily[]) => readonly IpFamily[];
  /** Between the controllers and the broker link. */
  readonly link?: (link: BrokerLink) => BrokerLink;
  /** Before a graceful stop; `stop` comes when what is said here has been sent. */
  readonly beforeStop?: (link: BrokerLink, stop: () => void) => void;
  /** Between the elector of a replica and the API server. */
  readonly electionKube?: (client: KubeClient) => KubeClient;
  /** Between the elector and what runs while it leads. */
  readonly candidate?: (candidate: Candidate) => Candidate;
  /** Between the API server and the DNS server. */
  readonly dnsKube?: (client: KubeClient) => KubeClient;
  /** Between path selection and the controllers. */
  readonly selection?: (selection: PathSelection, clock: Clock) => PathSelection;
  /** What a member's path selection is told by its admin. */
  readonly pathSettings?: (settings: PathSettings) => PathSettings;
  /** Between path selection and the API server. */
  readonly pathsKube?: (client: KubeClient) => KubeClient;
  /** Between a member's probes and the network. */
  readonly probes?: (probes: ProbeNetwork, clock: Clock) => ProbeNetwork;
  /** Between what the hub says of others and path selection. */
  readonly streams?: (streams: PeerStreams) => PeerStreams;
  /** Between the hub and its record of global addresses. */
  readonly globals?: (records: BookRecords) => BookRecords;
  /** Between zone and answers. */
  readonly publishZone?: (responder: Responder) => ZoneListener;
}

export const CORRECT: Wiring = {};
