import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { EtcdClient } from "../store/space/etcd/etcd-client.ts";
import { type EtcdAccess, etcdEndpoints } from "../store/space/etcd/etcd-endpoints.ts";
import { EtcdSpace } from "../store/space/etcd/etcd-space.ts";
import { KubeSpace } from "../store/space/kubernetes/kube-space.ts";
import { recordObjects, secretObjects } from "../store/space/kubernetes/space-object.ts";
import type { BrokerPlace } from "./broker-place.ts";
import { FolderPlace } from "./folder-place.ts";
import { SpacePlace } from "./space-place.ts";

/** Which place an admin has chosen. */
export type PlaceChoice =
  | { readonly kind: "file"; readonly dataDir: string }
  | {
      readonly kind: "etcd";
      readonly access: EtcdAccess;
      /** Of every key: several clustersets may share a cluster. */
      readonly prefix: string;
      readonly replica?: string;
    }
  | {
      readonly kind: "kubernetes";
      readonly client: KubeClient;
      readonly namespace: string;
      readonly clusterset: string;
      readonly replica?: string;
    };

export interface PlaceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Nothing is asked of an engine yet. Error: the choice cannot be meant. */
export function openPlace(choice: PlaceChoice, deps: PlaceDeps): Result<BrokerPlace, string> {
  switch (choice.kind) {
    case "file":
      return ok(new FolderPlace(choice.dataDir, deps));
    case "etcd":
      return etcdPlace(choice, deps);
    case "kubernetes":
      return ok(kubePlace(choice, deps));
  }
}

function etcdPlace(
  choice: Extract<PlaceChoice, { kind: "etcd" }>,
  deps: PlaceDeps,
): Result<BrokerPlace, string> {
  const endpoints = etcdEndpoints(choice.access);
  if (!endpoints.ok) return endpoints;
  const prefix = choice.prefix.replace(/\/+$/, "");
  const space = (part: string): EtcdSpace => {
    const client = new EtcdClient({}, { endpoints: endpoints.value, clock: deps.clock });
    return new EtcdSpace({ prefix: `${prefix}/${part}` }, { ...deps, client });
  };
  const { replica } = choice;
  return ok(
    new SpacePlace(
      {
        name: `etcd ${choice.access.endpoints.join(",")} ${prefix}`,
        ...(replica !== undefined && { replica }),
      },
      { ...deps, openRows: () => space("rows"), records: space("shared") },
    ),
  );
}

function kubePlace(
  choice: Extract<PlaceChoice, { kind: "kubernetes" }>,
  deps: PlaceDeps,
): BrokerPlace {
  const { namespace, client, replica } = choice;
  const place = { namespace, space: choice.clusterset };
  return new SpacePlace(
    { name: `namespace ${namespace}`, ...(replica !== undefined && { replica }) },
    {
      ...deps,
      openRows: () => new KubeSpace({ ...place, kind: recordObjects }, { ...deps, client }),
      records: new KubeSpace({ ...place, kind: secretObjects }, { ...deps, client }),
    },
  );
}
