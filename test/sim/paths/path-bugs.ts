import type { ProbeNetwork } from "../../../cli/paths/probe-network.ts";
import type { PathHealth, PathSelection } from "../../../connectivity/path-selection.ts";
import { decodeProbe, encodeProbe } from "../../../connectivity/probe/probe-packet.ts";
import { NO_PINS } from "../../../connectivity/select/pins.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { changeReads } from "../bugs/kube-bugs.ts";
import type { Wiring } from "../world/wiring.ts";

export interface PathBug {
  readonly name: string;
  /** What a programmer might have got wrong. */
  readonly mistake: string;
  /** Promises that it may break: it counts as found only as one of them. */
  readonly breaks: readonly string[];
  readonly wiring: Wiring;
  /** The first seed that finds it, tried before the others: one that finds it no more costs time, nothing else. */
  readonly seed: number;
}

/** Mistakes about paths that the simulation has to find: each is a wrapper around a port, the product is as it is. */
export const PATH_BUGS: readonly PathBug[] = [
  bug(1, "dead-ones-offered", ["I8"], "endpoints behind a dead path are offered", {
    selection: (selection) => changeHealth(selection, (health) => unlessDead(health)),
  }),
  bug(1, "never-heals", ["I1", "I8"], "who was dead once is dead for ever", {
    selection: (selection) => {
      const dead = new Set<string>();
      return changeHealth(selection, (health, of) => {
        if (health === "dead") dead.add(of);
        return dead.has(of) ? "dead" : health;
      });
    },
  }),
  bug(
    1,
    "last-ones-dropped",
    ["I1", "I8"],
    "a dead path leads nowhere, even where it is the last",
    {
      selection: (selection) => ({
        ...bound(selection),
        reach: (peer, service, slice) =>
          selection.health(peer, service) === "dead"
            ? undefined
            : selection.reach(peer, service, slice),
      }),
    },
  ),
  bug(1, "cut-at-a-switch", ["I8"], "who is reached another way now counts as dead for a moment", {
    selection: cutAtSwitch,
  }),
  bug(
    10,
    "hysteresis-forgotten",
    ["path-hysteresis"],
    "a better path is taken the moment it is up",
    {
      pathSettings: (settings) => ({ ...settings, choice: { ...settings.choice, betterForMs: 0 } }),
    },
  ),
  bug(14, "better-never-taken", ["path-choice"], "a path that has died is never trusted again", {
    pathSettings: (settings) => ({
      ...settings,
      choice: { ...settings.choice, betterForMs: 1e9, betterForMsMax: 1e9 },
    }),
  }),
  bug(1, "pins-ignored", ["I1", "I8"], "pins are read and not heeded", {
    pathSettings: (settings) => ({ ...settings, pins: NO_PINS }),
  }),
  bug(1, "service-pins-ignored", ["I1", "I8"], "a pinned service goes as its peer does", {
    pathSettings: ({ pins, choice }) => ({ choice, pins: { ...NO_PINS, peers: pins.peers } }),
  }),
  bug(4, "overlap-unseen", ["I1", "I8"], "networks that both clusters have are not compared", {
    pathsKube: (client) =>
      changeReads(client, "Peer", (object) => ({
        ...object,
        spec: { ...Reflect.get(object, "spec"), podCidrs: [] },
      })),
  }),
  bug(1, "old-answers-count", ["I8"], "the answer to an earlier probe counts for a later one", {
    probes: repeatAnswers,
  }),
  bug(5, "refusals-unheard", ["I8"], "a process that is gone is taken for a dead path", {
    probes: (probes) => ({
      ...probes,
      openSocket: (onPacket) => {
        const socket = probes.openSocket(onPacket);
        return {
          isWhole: socket.isWhole,
          close: () => socket.close(),
          send: (...call) => socket.send(...call),
          knock: () => undefined,
        };
      },
    }),
  }),
  bug(11, "ended-streams-unseen", ["I8"], "a pod that moves is taken for a dead path", {
    streams: () => ({ ended: () => [], subscribe: () => () => undefined }),
  }),
  bug(
    5,
    "blocks-written-over",
    ["blocks"],
    "the book of global addresses is written whatever it says now",
    {
      globals: (records) => ({
        ...records,
        replace: async (key, text, revision) => {
          const now = await records.read(key);
          const newest = now.ok && now.value !== undefined ? now.value.revision : revision;
          return records.replace(key, text, newest);
        },
      }),
    },
  ),
];

function bug(
  seed: number,
  name: string,
  breaks: readonly string[],
  mistake: string,
  wiring: Wiring,
): PathBug {
  return { seed, name, breaks, mistake, wiring };
}

function bound(selection: PathSelection): PathSelection {
  return {
    advertise: (...call) => selection.advertise(...call),
    reach: (...call) => selection.reach(...call),
    health: (...call) => selection.health(...call),
    subscribe: (...call) => selection.subscribe(...call),
  };
}

function changeHealth(
  selection: PathSelection,
  change: (health: PathHealth, of: string) => PathHealth,
): PathSelection {
  return {
    ...bound(selection),
    health: (peer, service) => change(selection.health(peer, service), `${peer} ${service}`),
  };
}

function unlessDead(health: PathHealth): PathHealth {
  return health === "dead" ? "unknown" : health;
}

const CUT_MS = 200;

/** Told twice of each change: at once, as of a death, and a little later as it is. */
function cutAtSwitch(selection: PathSelection, clock: Clock): PathSelection {
  const cut = new Set<string>();
  return {
    ...bound(selection),
    health: (peer, service) => (cut.has(peer) ? "dead" : selection.health(peer, service)),
    subscribe: (listener) =>
      selection.subscribe((peers) => {
        for (const peer of peers) cut.add(peer);
        listener(peers);
        clock.setTimer(CUT_MS, () => {
          for (const peer of peers) cut.delete(peer);
          listener(peers);
        });
      }),
  };
}

/** Whoever has answered once is taken to answer whatever is asked later. */
function repeatAnswers(probes: ProbeNetwork): ProbeNetwork {
  return {
    ...probes,
    openSocket: (onPacket) => {
      const answered = new Set<bigint>();
      const socket = probes.openSocket((packet) => {
        const reply = decodeProbe(packet);
        if (reply !== undefined) answered.add(reply.nonce);
        onPacket(packet);
      });
      return {
        isWhole: socket.isWhole,
        close: () => socket.close(),
        knock: (...call) => socket.knock(...call),
        send: (packet, to, onFailed) => {
          socket.send(packet, to, onFailed);
          const request = decodeProbe(packet);
          if (request === undefined || !answered.has(request.nonce)) return;
          onPacket(encodeProbe({ ...request, kind: "reply" }));
        },
      };
    },
  };
}
