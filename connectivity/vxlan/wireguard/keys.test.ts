import { createPrivateKey, createPublicKey } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIpAddress } from "../../../api/network/ip-address.ts";
import { clusterId, example } from "../plan/example.fixture.ts";
import { type KeyRing, turnRing } from "./key-ring.ts";
import { deviceName, generateKeyPair, isPublicKey, keyAddress } from "./keys.ts";
import {
  chooseKeys,
  currentPeerKeys,
  deviceConfig,
  GRACE_MS,
  handshakeOf,
  isOldInUse,
  type PeerKeys,
} from "./peer-keys.ts";

const SETTINGS = { rotateMs: 1_000, overlapMs: 100, port: 4_794 };

describe("keys", () => {
  test("the public key is the one of the private key, as any X25519 has it", () => {
    const { privateKey, publicKey } = generateKeyPair();
    const der = Buffer.concat([
      Buffer.from("302e020100300506032b656e04220420", "hex"),
      Buffer.from(privateKey, "base64"),
    ]);
    const known = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    const { x = "" } = known.export({ format: "jwk" });
    expect(publicKey).toBe(Buffer.from(x, "base64url").toString("base64"));
  });

  test("every pair is another one, and every public key is one", () => {
    const pairs = Array.from({ length: 50 }, generateKeyPair);
    expect(new Set(pairs.map(({ privateKey }) => privateKey)).size).toBe(50);
    expect(pairs.every(({ publicKey }) => isPublicKey(publicKey))).toBe(true);
  });

  test.each(["", "abc", "A".repeat(43), `${"A".repeat(43)}=\n[Peer]`, `${"A".repeat(42)}B=`])(
    "%j is no public key",
    (text) => expect(isPublicKey(text)).toBe(false),
  );

  test("a key's address is an address, a device's name fits into the kernel's 15 characters", () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(parseIpAddress(keyAddress(key)).ok).toBe(true);
        expect(deviceName("isth-wg-", key).length).toBeLessThanOrEqual(15);
      }),
    );
  });
});

describe("a gateway's own keys", () => {
  const turn = (ring: KeyRing, nowMs: number, isOld = false) =>
    turnRing(ring, SETTINGS, nowMs, isOld, generateKeyPair);

  test("one at first, a second at its age, the first goes after the overlap", () => {
    const first = turn([], 0);
    expect(first.map(({ port }) => port)).toEqual([4_794]);
    expect(turn(first, 999)).toBe(first);
    const both = turn(first, 1_000);
    expect(both.map(({ port }) => port)).toEqual([4_794, 4_795]);
    expect(turn(both, 1_099)).toBe(both);
    expect(turn(both, 1_100)).toEqual([both[1]]);
    expect(turn(turn(both, 1_100), 2_000).map(({ port }) => port)).toEqual([4_795, 4_794]);
  });

  test("the old one stays as long as somebody is reached by it only", () => {
    const both = turn(turn([], 0), 1_000);
    expect(turn(both, 50_000, true)).toBe(both);
  });
});

describe("keys of peers", () => {
  const peer = example(2, "v4");
  const [a, b] = [generateKeyPair().publicKey, generateKeyPair().publicKey];
  const telling = (publicKey: string) => [
    {
      ...peer.peer,
      gateways: peer.peer.gateways.map((gateway) => ({ ...gateway, publicKey, wgPort: 4_794 })),
    },
  ];
  const local = ["172.20.1.1"];
  const ring = turnRing(
    turnRing([], SETTINGS, 0, false, generateKeyPair),
    SETTINGS,
    1_000,
    false,
    generateKeyPair,
  ).map((key, index) => ({ ...key, device: `d${index}` }));
  const name = `${peer.cluster}/node-1`;
  const nobody = new Set<string>();
  const keysOf = (
    before: PeerKeys,
    publicKey: string,
    handshakes: ReadonlySet<string>,
    nowMs = 0,
  ) =>
    currentPeerKeys(before, telling(publicKey), local, {
      handshakes,
      devices: ["d0", "d1"],
      nowMs,
    });

  test("a new key stands beside the old one until it has been heard from for a while", () => {
    const first = keysOf(new Map(), a, nobody);
    expect(first.get(name)).toEqual([{ publicKey: a, endpoint: "172.20.2.1:4794" }]);
    const both = keysOf(first, b, new Set([handshakeOf("d0", a)]));
    expect(both.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const shaken = new Set([handshakeOf("d1", b)]);
    const heard = keysOf(both, b, shaken, 1_000);
    expect(heard.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const soon = keysOf(heard, b, shaken, 1_000 + GRACE_MS - 1);
    expect(soon.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const later = keysOf(soon, b, shaken, 1_000 + GRACE_MS);
    expect(later.get(name)?.map(({ publicKey }) => publicKey)).toEqual([b]);
  });

  test("packets go to the newest key that shook hands, over the newest device that did", () => {
    const both = keysOf(keysOf(new Map(), a, nobody), b, nobody);
    const chosen = (shaken: ReadonlySet<string>) => {
      const { addresses, routes } = chooseKeys(both, ring, shaken);
      const address = addresses.get(name);
      return [address, routes.find(({ destination }) => destination === `${address}/128`)?.device];
    };
    expect(chosen(nobody)).toEqual([keyAddress(b), "d1"]);
    expect(chosen(new Set([handshakeOf("d0", a)]))).toEqual([keyAddress(a), "d0"]);
    expect(chosen(new Set([handshakeOf("d0", a), handshakeOf("d0", b)]))).toEqual([
      keyAddress(b),
      "d0",
    ]);
    expect(chosen(new Set([handshakeOf("d0", b), handshakeOf("d1", b)]))).toEqual([
      keyAddress(b),
      "d1",
    ]);
  });

  test("an old device is in use while somebody is heard over it only", () => {
    const keys = keysOf(new Map(), a, nobody);
    expect(isOldInUse(keys, ring, new Set([handshakeOf("d0", a)]))).toBe(true);
    expect(isOldInUse(keys, ring, new Set([handshakeOf("d0", a), handshakeOf("d1", a)]))).toBe(
      false,
    );
    expect(isOldInUse(keys, ring.slice(1), new Set([handshakeOf("d1", a)]))).toBe(false);
  });

  test("text that is no key does not reach a configuration", () => {
    const evil = `${a}\nPostUp = id`;
    const [key] = ring;
    if (key === undefined) throw new Error("a ring has a key");
    expect(deviceConfig(key, keysOf(new Map(), evil, nobody))).not.toContain("PostUp");
    expect(keysOf(new Map(), evil, nobody).size).toBe(0);
    expect(clusterId("c2")).toBe(peer.cluster);
  });
});
