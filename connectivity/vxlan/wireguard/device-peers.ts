import { keyAddress } from "./keys.ts";
import type { PeerKeys } from "./peer-keys.ts";

/** Public keys that a device knows, and where each listens. */
export type DevicePeers = ReadonlyMap<string, string>;

/** Each start of `wg` takes so many peers at most: what fits into its arguments. */
const PEERS_AT_ONCE = 500;
/** Seconds. Also makes both sides begin at once: a path is known before it is needed. */
const KEEPALIVE = "5";

export function devicePeers(keys: PeerKeys): DevicePeers {
  return new Map([...keys.values()].flat().map(({ publicKey, endpoint }) => [publicKey, endpoint]));
}

/**
 * Arguments behind `wg set DEVICE`, for each time that it is run: those that come, those that moved, and those that go. Nothing is
 * said of the others: `wg syncconf` would take their addresses away for a moment, and `wireguard-go` would open its port anew.
 */
export function peerChanges(present: DevicePeers, wanted: DevicePeers): readonly string[][] {
  const changes: string[][] = [];
  for (const [key, endpoint] of wanted) {
    if (present.get(key) === endpoint) continue;
    const fresh = ["allowed-ips", `${keyAddress(key)}/128`, "persistent-keepalive", KEEPALIVE];
    changes.push(["peer", key, "endpoint", endpoint, ...(present.has(key) ? [] : fresh)]);
  }
  for (const key of present.keys()) if (!wanted.has(key)) changes.push(["peer", key, "remove"]);
  const runs: string[][] = [];
  for (let at = 0; at < changes.length; at += PEERS_AT_ONCE) {
    runs.push(changes.slice(at, at + PEERS_AT_ONCE).flat());
  }
  return runs;
}
