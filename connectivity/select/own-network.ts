import type { ClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LOCAL_NETWORK } from "../../api/network/member-network.ts";
import { parseMemberNetwork } from "../../api/network/parse-network-objects.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { OwnNetwork, OwnOverlay } from "./why-unusable.ts";

export interface OwnNetworkDeps {
  readonly cluster: ClusterId;
  /** As configured: what holds until the MemberNetwork says more. */
  readonly podCidrs: readonly string[];
  readonly members: ObjectView<KubeObject>;
  readonly overlay: Changing<OwnOverlay | undefined>;
  readonly log: Logger;
}

/** What this cluster can do, as its MemberNetwork says and its CNI's objects show. */
export function ownNetwork(deps: OwnNetworkDeps): Changing<OwnNetwork> {
  const { cluster, members, overlay, log } = deps;
  return {
    get current() {
      const object = members.get(LOCAL_NETWORK);
      const parsed = object === undefined ? undefined : parseMemberNetwork(object);
      if (parsed?.ok === false)
        log.warn("member network cannot be used", { problem: parsed.error });
      const spec = parsed?.ok === true ? parsed.value.spec : undefined;
      return {
        cluster,
        podCidrs: spec === undefined || spec.podCidrs.length === 0 ? deps.podCidrs : spec.podCidrs,
        globalPrefixes: spec?.globalPrefixes ?? [],
        overlay: overlay.current,
      };
    },
    subscribe(listener) {
      const stops = [
        members.subscribe((event) => {
          if (event.kind === "changed" && event.key === LOCAL_NETWORK) listener();
        }),
        overlay.subscribe(listener),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
