import { join } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { OuterTransport, Prepared } from "../gateway/outer-transport.ts";
import { outerMtu } from "../linux/outer-mtu.ts";
import type { RunCommand } from "../linux/run-command.ts";
import type { Files } from "../linux/system-files.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import { isV6 } from "../plan/underlay-family.ts";
import { WIREGUARD_PREFIX } from "../plan/wan-table.ts";
import { devicePeers } from "./device-peers.ts";
import { type KeyRing, turnRing } from "./key-ring.ts";
import { deviceName, generateKeyPair, keyAddress } from "./keys.ts";
import { chooseKeys, currentPeerKeys, GRACE_MS, isOldInUse, type PeerKeys } from "./peer-keys.ts";
import { type Handshakes, type Looks, lookAt, sessionName } from "./sessions.ts";
import { WireguardDevices } from "./wireguard-devices.ts";

export interface WireguardTransportOptions {
  readonly node: string;
  /** At which gateways of peers reach this one; empty: its node's addresses. */
  readonly endpoints: readonly string[];
  /** UDP ports: of VXLAN inside, and of the first key. */
  readonly port: number;
  readonly wgPort: number;
  readonly stateDir: string;
  /** A key is replaced at this age, ms. */
  readonly rotateMs: number;
  /** The old one stays at least this long beside the new one, ms. */
  readonly overlapMs: number;
}

export interface WireguardTransportDeps {
  readonly run: RunCommand;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What WireGuard puts around a packet: IP, UDP 8, header 16, tag 16. */
const AROUND_V4 = 60;
const AROUND_V6 = 80;

const RING = z
  .array(
    z.object({
      privateKey: z.string(),
      publicKey: z.string(),
      port: z.int(),
      bornMs: z.number(),
    }),
  )
  .max(2);

/**
 * Packets between gateways inside WireGuard. The private keys are made here, stay in one file that only root reads, and go
 * nowhere else; public keys travel with the gateway's report. A new key gets a device of its own beside the old one, and each
 * peer is moved over once both have shaken hands over it; the old one stays until nothing has come over it for seconds: no packet is lost.
 */
export class WireguardTransport implements OuterTransport {
  readonly #options: WireguardTransportOptions;
  readonly #deps: WireguardTransportDeps;
  readonly #devices: WireguardDevices;
  #ring: KeyRing | undefined;
  #peerKeys: PeerKeys = new Map();
  /** Of sessions, while some key takes over from another. BOUNDED: by keys of devices and peers. */
  #looks: Looks = new Map();
  #isSettled = false;
  /** When the old key was last seen to be needed, epoch milliseconds. */
  #oldInUseMs = 0;

  constructor(options: WireguardTransportOptions, deps: WireguardTransportDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#devices = new WireguardDevices(WIREGUARD_PREFIX, deps.run);
  }

  async prepare(
    network: OwnNetwork,
    peers: readonly PeerNetwork[],
    signal: AbortSignal,
  ): Promise<Result<Prepared, string>> {
    const { node, endpoints, port } = this.#options;
    const local = network.nodes.find(({ name }) => name === node)?.internalIps ?? [];
    const linkMtu = await outerMtu(local, this.#deps.run, signal);
    if (!linkMtu.ok) return linkMtu;
    const mtu = linkMtu.value - (local.some(isV6) ? AROUND_V6 : AROUND_V4);
    const shaken = await this.#devices.handshakes(this.#deps.clock.nowMs(), signal);
    if (!shaken.ok) return shaken;
    const handshakes = shaken.value;
    const looked = await this.#look(signal);
    if (!looked.ok) return looked;
    const ring = await this.#turn(handshakes);
    if (!ring.ok) return ring;
    const devices = ring.value.map((key) => ({
      ...key,
      device: deviceName(WIREGUARD_PREFIX, key.publicKey),
    }));
    const names = devices.map(({ device }) => device);
    this.#peerKeys = currentPeerKeys(this.#peerKeys, peers, local, {
      handshakes,
      looks: this.#looks,
      devices: names,
      nowMs: this.#deps.clock.nowMs(),
    });
    const ready = await this.#bringUp(devices, mtu, signal);
    if (!ready.ok) return ready;
    const { addresses, routes } = chooseKeys(this.#peerKeys, devices, handshakes);
    const newest = devices.at(-1);
    if (newest === undefined) return err("no WireGuard key");
    const told = [...this.#peerKeys.values()];
    this.#isSettled =
      devices.length === 1 &&
      told.every((keys) => keys.length === 1) &&
      told.flat().every(({ publicKey }) => handshakes.has(sessionName(newest.device, publicKey)));
    return ok({
      outer: { local: [], mtu, encrypted: { addresses, routes } },
      facts: {
        endpoints: endpoints.length === 0 ? local : endpoints,
        port,
        publicKey: newest.publicKey,
        wgPort: newest.port,
      },
    });
  }

  /** Keys grow old, and handshakes happen, without anybody being told. */
  isSettled(): boolean {
    const born = this.#ring?.at(-1)?.bornMs ?? 0;
    return this.#isSettled && this.#deps.clock.nowMs() - born < this.#options.rotateMs;
  }

  async cleanup(signal: AbortSignal): Promise<Result<void, string>> {
    const present = await this.#devices.list(signal);
    if (!present.ok) return present;
    for (const name of present.value) {
      const removed = await this.#devices.remove(name, signal);
      if (!removed.ok) return removed;
    }
    this.#ring = undefined;
    await this.#deps.files.remove(this.#file());
    await this.#deps.files.removeDirectory(this.#options.stateDir);
    return ok(undefined);
  }

  /** Only while one key takes over from another does it matter what comes over which. */
  async #look(signal: AbortSignal): Promise<Result<void, string>> {
    const hasTwo = (keys: readonly unknown[]): boolean => keys.length > 1;
    if (!hasTwo(this.#ring ?? []) && ![...this.#peerKeys.values()].some(hasTwo)) {
      this.#looks = new Map();
      return ok(undefined);
    }
    const received = await this.#devices.received(signal);
    if (!received.ok) return received;
    this.#looks = lookAt(this.#looks, received.value, this.#deps.clock.monotonicMs());
    return ok(undefined);
  }

  async #turn(handshakes: Handshakes): Promise<Result<KeyRing, string>> {
    const { files, clock, log } = this.#deps;
    const before = this.#ring ?? (await this.#read());
    const devices = before.map(({ publicKey }) => ({
      device: deviceName(WIREGUARD_PREFIX, publicKey),
    }));
    const isInUse = isOldInUse(this.#peerKeys, devices, { handshakes, looks: this.#looks });
    if (isInUse) this.#oldInUseMs = clock.nowMs();
    const ring = turnRing(
      before,
      { ...this.#options, port: this.#options.wgPort },
      clock.nowMs(),
      clock.nowMs() - this.#oldInUseMs < GRACE_MS,
      generateKeyPair,
    );
    if (ring !== before) {
      try {
        await files.replace(this.#file(), JSON.stringify(ring));
      } catch (cause) {
        return err(`cannot keep the WireGuard key in ${this.#file()}: ${String(cause)}`);
      }
      log.info("WireGuard keys changed", { publicKeys: ring.map(({ publicKey }) => publicKey) });
    }
    this.#ring = ring;
    return ok(ring);
  }

  async #read(): Promise<KeyRing> {
    const text = await this.#deps.files.read(this.#file());
    if (text === undefined) return [];
    try {
      return RING.parse(JSON.parse(text));
    } catch {
      // A key that cannot be read is none: a new one is told to the peers.
      return [];
    }
  }

  async #bringUp(
    keys: readonly (KeyRing[number] & { readonly device: string })[],
    mtu: number,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    const present = await this.#devices.list(signal);
    if (!present.ok) return present;
    for (const key of keys) {
      if (!present.value.includes(key.device)) {
        const address = keyAddress(key.publicKey);
        const made = await this.#devices.create(key.device, { address, mtu }, signal);
        if (!made.ok) return made;
      }
      const peers = devicePeers(this.#peerKeys);
      const configured = await this.#devices.configure(key.device, key, peers, signal);
      if (!configured.ok) return configured;
    }
    const names = new Set(keys.map(({ device }) => device));
    for (const name of present.value) {
      if (names.has(name)) continue;
      const removed = await this.#devices.remove(name, signal);
      if (!removed.ok) return removed;
    }
    return ok(undefined);
  }

  #file(): string {
    return join(this.#options.stateDir, "wireguard.json");
  }
}
