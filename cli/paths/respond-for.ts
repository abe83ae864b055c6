import { parseClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { Random } from "../../runtime/random/random.ts";
import { OwnResponder } from "./own-responder.ts";
import { udpProbes } from "./probe-network.ts";

export interface RespondFor {
  readonly probeListen?: ListenAddress | undefined;
  readonly clusterId?: string | undefined;
}

/** Answers probes in a process that need not know otherwise whose it is; nothing where it is not told to. */
export async function respondFor(
  { probeListen, clusterId = "" }: RespondFor,
  deps: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): Promise<Result<OwnResponder | undefined, string>> {
  if (probeListen === undefined) return ok(undefined);
  const cluster = parseClusterId(clusterId);
  if (!cluster.ok)
    return err(`cannot answer probes (--probe-listen): needs --cluster-id: ${cluster.error}`);
  return OwnResponder.start(cluster.value, probeListen, { ...deps, probes: udpProbes(deps) });
}
