import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";

/** Who a client certificate speaks for: one life of one cluster in one clusterset. */
export interface PeerIdentity {
  readonly clusterset: string;
  readonly clusterId: ClusterId;
  /** RowVersion.incarnation: grows with each join. */
  readonly incarnation: number;
}

const SHAPE = /^isthmus:\/\/([^/]*)\/([^/]*)\/([1-9][0-9]{0,15})$/;

/** `isthmus://<clusterset>/<cluster id>/<incarnation>`, the URI subject alternative name of a member. */
export function formatIdentityUri(identity: PeerIdentity): string {
  return `isthmus://${identity.clusterset}/${identity.clusterId}/${identity.incarnation}`;
}

export function parseIdentityUri(text: string): Result<PeerIdentity, string> {
  const [, clusterset, cluster, digits] = SHAPE.exec(text) ?? [];
  if (clusterset === undefined || cluster === undefined || digits === undefined) {
    const seen = JSON.stringify(text.slice(0, 200));
    return err(
      `cannot parse member identity: must be isthmus://<clusterset>/<cluster id>/<incarnation>: got ${seen}`,
    );
  }
  const set = parseDnsLabel("clusterset", clusterset);
  if (!set.ok) return set;
  const clusterId = parseClusterId(cluster);
  if (!clusterId.ok) return clusterId;
  const incarnation = Number(digits);
  if (!Number.isSafeInteger(incarnation)) {
    return err(`cannot parse member identity: incarnation must be below 2^53: got ${digits}`);
  }
  return ok({ clusterset: set.value, clusterId: clusterId.value, incarnation });
}
