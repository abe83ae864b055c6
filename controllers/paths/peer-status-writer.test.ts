import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import type { PeerStatus } from "../../api/network/peer.ts";
import { ok } from "../../api/result.ts";
import type { PathStatuses } from "../../connectivity/path-selection.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { clusterId } from "../testing/builders.ts";
import { PeerStatusWriter } from "./peer-status-writer.ts";

const WEST = clusterId("west");

test("changes are written at once and told, figures rarely, nothing new never (I9)", async () => {
  const clock = new VirtualClock();
  const peers = new ObjectStore<KubeObject>({}, { log: silentLogger });
  let version = 1;
  const spec = { cluster: WEST };
  const store = (status?: object): void => {
    const metadata = { name: WEST, resourceVersion: String(version++) };
    peers.put({
      apiVersion: "isthmus.dev/v1alpha1",
      kind: "Peer",
      metadata,
      spec,
      ...(status === undefined ? {} : { status }),
    } as KubeObject);
  };
  store();
  let status: PeerStatus = aStatus(10);
  let tell: (peers: ReadonlySet<typeof WEST>) => void = () => undefined;
  const statuses: PathStatuses = {
    status: () => status,
    peers: () => [WEST],
    subscribeStatus: (listener) => {
      tell = listener;
      return () => undefined;
    },
  };
  const writes: object[] = [];
  const client = {
    mergePatch: async (_ref: unknown, patch: object) => {
      writes.push(patch);
      store(status);
      return ok(undefined);
    },
  } as unknown as KubeClient;
  const events: string[] = [];
  const stopping = new AbortController();
  const writer = new PeerStatusWriter({
    client,
    statuses,
    peers,
    events: { record: (_about, draft) => void events.push(draft.reason) },
    clock,
    random: { next: () => 0.5 },
    log: silentLogger,
    meter: silentMeter,
  });
  const running = writer.run(stopping.signal);
  await clock.advance(10);
  expect(writes).toEqual([{ status: expect.objectContaining({ backend: "underlay" }) }]);
  status = aStatus(11);
  await clock.advance(60_000);
  expect(writes).toHaveLength(1);
  status = aStatus(20);
  await clock.advance(9_000);
  await clock.advance(3_000);
  expect(writes).toHaveLength(2);
  status = { ...aStatus(20), backend: "vxlan", reason: "underlay is down" };
  tell(new Set([WEST]));
  await clock.advance(10);
  expect(writes).toHaveLength(3);
  expect(events).toEqual(["PathChanged"]);
  await clock.advance(60_000);
  expect(writes).toHaveLength(3);
  stopping.abort();
  await clock.advance(10_000);
  await running;
});

function aStatus(rttMs: number): PeerStatus {
  return { backend: "underlay", dead: false, paths: [{ backend: "underlay", state: "up", rttMs }] };
}
