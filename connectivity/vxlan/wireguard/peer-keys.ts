import type { PeerNetwork } from "../plan/networks.ts";
import { gatewayName } from "../plan/networks.ts";
import { isV6, ofFamily } from "../plan/underlay-family.ts";
import type { RingKey } from "./key-ring.ts";
import { isPublicKey, keyAddress } from "./keys.ts";
import { type Handshakes, isDrained, type Looks, sessionName } from "./sessions.ts";

/** A key that a remote gateway has told, and where it listens. */
export interface PeerKey {
  readonly publicKey: string;
  /** `address:port`, IPv6 in brackets. */
  readonly endpoint: string;
  /** When the first handshake with it was seen, epoch milliseconds; absent: not yet. */
  readonly heardMs?: number;
}

/** After a handshake both sides need a moment to see it and to send over it: so long the old key goes on to be good, ms. */
export const GRACE_MS = 5_000;

/** By gateway, newest last; the one before the newest stays until the newest is good and nothing comes from the old one. */
export type PeerKeys = ReadonlyMap<string, readonly PeerKey[]>;

export interface PeerKeysMoment {
  readonly handshakes: Handshakes;
  readonly looks: Looks;
  /** Own devices. */
  readonly devices: readonly string[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** What gateways tell now, and what they told before as long as it may be needed. */
export function currentPeerKeys(
  before: PeerKeys,
  peers: readonly PeerNetwork[],
  local: readonly string[],
  { handshakes, looks, devices, nowMs }: PeerKeysMoment,
): PeerKeys {
  const isShaken = (key: string) => devices.some((each) => handshakes.has(sessionName(each, key)));
  /** Over a device that never heard of it nothing comes either. */
  const isQuiet = (key: string) =>
    devices
      .map((device) => sessionName(device, key))
      .every((session) => !handshakes.has(session) || isDrained(looks, session));
  const keys = peers.flatMap(({ cluster, gateways }) =>
    gateways.flatMap(({ node, publicKey, wgPort, endpoints }) => {
      const name = gatewayName(cluster, node);
      const address =
        (ofFamily(local, false) && ofFamily(endpoints, false)) ??
        (ofFamily(local, true) && ofFamily(endpoints, true));
      if (publicKey === undefined || wgPort === undefined || address === undefined) return [];
      if (!isPublicKey(publicKey)) return [];
      const endpoint = isV6(address) ? `[${address}]:${wgPort}` : `${address}:${wgPort}`;
      const known = before.get(name) ?? [];
      const heardMs =
        known.find((key) => key.publicKey === publicKey)?.heardMs ??
        (isShaken(publicKey) ? nowMs : undefined);
      const isNewGood = heardMs !== undefined && nowMs - heardMs >= GRACE_MS;
      const old = known
        .filter((key) => key.publicKey !== publicKey)
        .slice(-1)
        .filter((key) => !(isNewGood && isQuiet(key.publicKey)));
      const key: PeerKey = { publicKey, endpoint, ...(heardMs !== undefined && { heardMs }) };
      return [[name, [...old, key]] as const];
    }),
  );
  return new Map(keys);
}

/** Over which device a key's owner is sent to. */
export interface KeyRoute {
  readonly destination: string;
  readonly device: string;
  readonly source: string;
}

/**
 * To each gateway's address, over the newest device that has shaken hands with its newest key that did. Without any handshake the
 * newest of both: somebody has to begin.
 */
export function chooseKeys(
  keys: PeerKeys,
  ring: readonly (RingKey & { readonly device: string })[],
  handshakes: Handshakes,
): { readonly addresses: ReadonlyMap<string, string>; readonly routes: readonly KeyRoute[] } {
  const newestFirst = [...ring].reverse();
  const heard = (publicKey: string) =>
    newestFirst.find(({ device }) => handshakes.has(sessionName(device, publicKey)));
  const addresses = new Map<string, string>();
  const routes: KeyRoute[] = [];
  for (const [name, told] of keys) {
    const newest = [...told].reverse();
    const chosen = newest.find(({ publicKey }) => heard(publicKey) !== undefined) ?? newest[0];
    if (chosen !== undefined) addresses.set(name, keyAddress(chosen.publicKey));
    for (const { publicKey } of told) {
      const over = heard(publicKey) ?? newestFirst[0];
      if (over === undefined) continue;
      routes.push({
        destination: `${keyAddress(publicKey)}/128`,
        device: over.device,
        source: keyAddress(over.publicKey),
      });
    }
  }
  return { addresses, routes };
}

/**
 * Whether some gateway has only the old device to reach us by, or sends over it still: it has to hear of the new key, to shake
 * hands, and to move its packets.
 */
export function isOldInUse(
  keys: PeerKeys,
  ring: readonly { readonly device: string }[],
  { handshakes, looks }: Pick<PeerKeysMoment, "handshakes" | "looks">,
): boolean {
  const [old, newest] = ring;
  if (old === undefined || newest === undefined) return false;
  return [...keys.values()].some((told) => {
    const hasShaken = (device: string) =>
      told.some(({ publicKey }) => handshakes.has(sessionName(device, publicKey)));
    if (!hasShaken(old.device)) return false;
    if (!hasShaken(newest.device)) return true;
    return told
      .map(({ publicKey }) => sessionName(old.device, publicKey))
      .some((session) => handshakes.has(session) && !isDrained(looks, session));
  });
}
