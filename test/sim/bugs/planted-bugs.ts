import { ok } from "../../../api/result.ts";
import { SIM_KEYS } from "../script/service-shapes.ts";
import { overrideBrokerLink } from "../world/override-broker-link.ts";
import { overrideKubeClient } from "../world/override-kube-client.ts";
import type { Wiring } from "../world/wiring.ts";
import {
  alwaysFresh,
  changePatches,
  changeReads,
  forgetDeletion,
  forgetValid,
  hideConflict,
  labelAsOurs,
  missModified,
  recreateDerived,
  swallowErrors,
  withoutPorts,
} from "./kube-bugs.ts";
import {
  askOnce,
  blameOthers,
  changeOwnRows,
  everythingReady,
  keepOldRows,
  onlyOneFamily,
  sendNewKeysOnly,
  withNodeAddress,
  withoutAge,
} from "./link-bugs.ts";

export interface PlantedBug {
  readonly name: string;
  /** What a programmer might have got wrong. */
  readonly mistake: string;
  /** Invariants that it may break: it counts as found only as one of them. */
  readonly breaks: readonly string[];
  readonly wiring: Wiring;
}

/** Mistakes in the wiring that the simulation has to find: each is a wrapper around a port, the product is as it is. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug("import-not-deleted", ["I1"], "the deletion of an import is skipped and taken for done", {
    controllersKube: (client) =>
      overrideKubeClient(client, {
        delete: async (ref, ...rest) =>
          ref.resource.kind === "ServiceImport" ? ok(undefined) : client.delete(ref, ...rest),
      }),
  }),
  bug("synced-too-early", ["I4", "I6"], "the link says that it has synced before it has", {
    link: (link) => overrideBrokerLink(link, { hasSynced: () => true }),
  }),
  bug("withdrawal-ignored", ["I1"], "own rows are set but never withdrawn", {
    link: (link) =>
      overrideBrokerLink(link, {
        setOwnRows: (service, rows) => {
          if (rows.length > 0) link.setOwnRows(service, rows);
        },
      }),
  }),
  bug(
    "old-rows-kept",
    ["I1"],
    "the mirror keeps rows of an owner's earlier life beside the new ones",
    {
      link: keepOldRows,
    },
  ),
  bug("export-age-lost", ["I1"], "the export's creation time does not travel", {
    link: (link) => changeOwnRows(link, withoutAge),
  }),
  bug("not-ready-offered", ["I1"], "endpoints travel as ready whether they are or not", {
    link: (link) => changeOwnRows(link, everythingReady),
  }),
  bug("namespaces-once", ["I1"], "namespaces that come later are not asked for at the broker", {
    link: askOnce,
  }),
  bug("withdrawn-at-shutdown", ["I4", "I9"], "a graceful stop withdraws the member's exports", {
    beforeStop: (link, stop) => {
      for (const key of SIM_KEYS) link.setOwnRows(key, []);
      stop();
    },
  }),
  bug("conflict-hidden", ["I11"], "Conflict is always written as False", {
    controllersKube: (client) => changePatches(client, "ServiceExport", hideConflict),
  }),
  bug("stale-slice-ports", ["I1"], "a slice's ports are written at its creation only", {
    controllersKube: (client) => changePatches(client, "EndpointSlice", withoutPorts),
  }),
  bug("ownership-not-checked", ["I3"], "every import is taken for ours", {
    controllersKube: (client) => changeReads(client, "ServiceImport", labelAsOurs),
  }),
  bug("address-not-kept", ["I5"], "the derived Service is made anew when its ports change", {
    controllersKube: recreateDerived,
  }),
  bug("write-errors-swallowed", ["I1", "I11"], "a patch that failed is taken for done", {
    controllersKube: swallowErrors,
  }),
  bug(
    "status-always-new",
    ["I7", "I9"],
    "a condition gets a new transition time although its status is the same",
    {
      controllersKube: (client) => changeReads(client, "ServiceExport", forgetValid),
    },
  ),
  bug("lost-ones-kept", ["I8"], "nobody is ever taken for lost", {
    link: (link) => overrideBrokerLink(link, { peers: () => new Map() }),
  }),
  bug(
    "unknown-is-none",
    ["I4"],
    "a cluster that has not been heard of counts as one without exports",
    {
      link: (link) => overrideBrokerLink(link, { isKnown: () => true }),
    },
  ),
  bug("own-loss-is-theirs", ["I7"], "with the broker away everybody else is taken for lost", {
    link: blameOthers,
  }),
  bug("zone-not-updated", ["I1"], "a zone that came after the first is not served", {
    publishZone: (responder) => {
      let isFirst = true;
      return (zone, changed) => {
        if (isFirst) responder.setZone(zone, changed);
        isFirst = false;
      };
    },
  }),
  bug("answers-not-invalidated", ["I1"], "cached answers outlive the zone they were made from", {
    publishZone: (responder) => (zone) => responder.setZone(zone, []),
  }),
  bug("slices-unseen-by-dns", ["I1"], "the DNS server misses changes of slices", {
    dnsKube: (client) => missModified(client, "EndpointSlice"),
  }),
  bug("second-family-overwrites", ["I1"], "the second family's slice takes the first one's place", {
    link: onlyOneFamily,
  }),
  bug("families-not-checked", ["I1"], "the cluster is asked for families that it cannot route", {
    localFamilies: () => ["IPv4", "IPv6"],
  }),
  bug("node-address-told", ["I2"], "an endpoint travels with its node's address beside its own", {
    link: (link) => changeOwnRows(link, withNodeAddress),
  }),
  bug("keys-compared-only", ["I1"], "rows that change in place are not sent", {
    link: sendNewKeysOnly,
  }),
  bug("deletion-not-seen", ["I1"], "an export that waits for its finalizers is taken for living", {
    controllersKube: (client) => changeReads(client, "ServiceExport", forgetDeletion),
  }),
  bug(
    "works-on-without-lease",
    ["one-writer"],
    "a leader that has lost its leadership goes on to work",
    {
      candidate: (candidate) => ({
        start: (signal) => candidate.start(signal),
        stopped: () => candidate.stopped(),
        isLeader: () => candidate.isLeader(),
        subscribe: (listener) =>
          candidate.subscribe((isLeading) => {
            if (isLeading) listener(isLeading);
          }),
      }),
    },
  ),
  bug("lease-never-expires", ["leader-gap"], "the lease of a dead leader is taken for renewed", {
    electionKube: alwaysFresh,
  }),
];

function bug(name: string, breaks: readonly string[], mistake: string, wiring: Wiring): PlantedBug {
  return { name, breaks, mistake, wiring };
}
