import { createPrivateKey, createPublicKey } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIpAddress } from "../../../api/network/ip-address.ts";
import { clusterId, example } from "../plan/example.fixture.ts";
import { devicePeers, peerChanges } from "./device-peers.ts";
import { type KeyRing, turnRing } from "./key-ring.ts";
import { deviceName, generateKeyPair, isPublicKey, keyAddress } from "./keys.ts";
import { chooseKeys, currentPeerKeys, GRACE_MS, isOldInUse, type PeerKeys } from "./peer-keys.ts";
import { type Looks, lookAt, sessionName } from "./sessions.ts";

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
    looks: Looks = new Map(),
  ) =>
    currentPeerKeys(before, telling(publicKey), local, {
      handshakes,
      looks,
      devices: ["d0", "d1"],
      nowMs,
    });

  test("a new key stands beside the old one until it has been heard from for a while", () => {
    const first = keysOf(new Map(), a, nobody);
    expect(first.get(name)).toEqual([{ publicKey: a, endpoint: "172.20.2.1:4794" }]);
    const both = keysOf(first, b, new Set([sessionName("d0", a)]));
    expect(both.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const shaken = new Set([sessionName("d1", b)]);
    const heard = keysOf(both, b, shaken, 1_000);
    expect(heard.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const soon = keysOf(heard, b, shaken, 1_000 + GRACE_MS - 1);
    expect(soon.get(name)?.map(({ publicKey }) => publicKey)).toEqual([a, b]);
    const later = keysOf(soon, b, shaken, 1_000 + GRACE_MS);
    expect(later.get(name)?.map(({ publicKey }) => publicKey)).toEqual([b]);
  });

  test("an old key stays as long as anything comes from it, however long that takes", () => {
    const shaken = new Set([sessionName("d0", a), sessionName("d1", b)]);
    const both = keysOf(keysOf(new Map(), a, shaken), b, shaken);
    const longAfter = (looks: Looks) =>
      keysOf(both, b, shaken, 100 * GRACE_MS, looks)
        .get(name)
        ?.map(({ publicKey }) => publicKey);
    expect(longAfter(new Map())).toEqual([a, b]);
    expect(longAfter(looksOf(sessionName("d0", a), 4))).toEqual([a, b]);
    expect(longAfter(looksOf(sessionName("d0", a), 5))).toEqual([b]);
  });

  test("packets go to the newest key that shook hands, over the newest device that did", () => {
    const both = keysOf(keysOf(new Map(), a, nobody), b, nobody);
    const chosen = (shaken: ReadonlySet<string>) => {
      const { addresses, routes } = chooseKeys(both, ring, shaken);
      const address = addresses.get(name);
      return [address, routes.find(({ destination }) => destination === `${address}/128`)?.device];
    };
    expect(chosen(nobody)).toEqual([keyAddress(b), "d1"]);
    expect(chosen(new Set([sessionName("d0", a)]))).toEqual([keyAddress(a), "d0"]);
    expect(chosen(new Set([sessionName("d0", a), sessionName("d0", b)]))).toEqual([
      keyAddress(b),
      "d0",
    ]);
    expect(chosen(new Set([sessionName("d0", b), sessionName("d1", b)]))).toEqual([
      keyAddress(b),
      "d1",
    ]);
  });

  test("an old device is in use while somebody is heard over it only, or sends over it still", () => {
    const keys = keysOf(new Map(), a, nobody);
    const isInUse = (shaken: readonly string[], looks: Looks = new Map(), own = ring) =>
      isOldInUse(keys, own, { handshakes: new Set(shaken), looks });
    const [overOld, overNew] = [sessionName("d0", a), sessionName("d1", a)];
    expect(isInUse([])).toBe(false);
    expect(isInUse([overOld], looksOf(overOld, 9))).toBe(true);
    expect(isInUse([overOld, overNew])).toBe(true);
    expect(isInUse([overOld, overNew], looksOf(overOld, 4))).toBe(true);
    expect(isInUse([overOld, overNew], looksOf(overOld, 5))).toBe(false);
    expect(isInUse([overNew], new Map(), ring.slice(1))).toBe(false);
  });

  test("a gateway that has left its own old key is not waited for by it", () => {
    const both = keysOf(keysOf(new Map(), a, nobody), b, nobody);
    const [left, moved] = [sessionName("d0", a), sessionName("d1", b)];
    expect(
      isOldInUse(both, ring, { handshakes: new Set([left, moved]), looks: looksOf(left, 5) }),
    ).toBe(false);
  });

  test("text that is no key does not reach a command", () => {
    const evil = `${a}\nPostUp = id`;
    expect(keysOf(new Map(), evil, nobody).size).toBe(0);
    expect(clusterId("c2")).toBe(peer.cluster);
  });

  test("a device is told of peers that come, move and go, and nothing of those that stay", () => {
    const [stays, moves, goes, comes] = ["S", "M", "G", "C"];
    const present = new Map([
      [stays, "172.20.1.1:1"],
      [moves, "172.20.1.2:1"],
      [goes, "172.20.1.3:1"],
    ]);
    const wanted = new Map([
      [stays, "172.20.1.1:1"],
      [moves, "172.20.1.2:2"],
      [comes, "[fd00::4]:1"],
    ]);
    expect(peerChanges(present, wanted)).toEqual([
      [
        ...["peer", moves, "endpoint", "172.20.1.2:2"],
        ...["peer", comes, "endpoint", "[fd00::4]:1"],
        ...["allowed-ips", `${keyAddress(comes)}/128`, "persistent-keepalive", "5"],
        ...["peer", goes, "remove"],
      ],
    ]);
    expect(peerChanges(wanted, wanted)).toEqual([]);
    expect(devicePeers(keysOf(new Map(), a, nobody))).toEqual(new Map([[a, "172.20.2.1:4794"]]));
  });

  test("many peers are told in several goes", () => {
    const wanted = new Map(Array.from({ length: 1_001 }, (_, at) => [`K${at}`, "172.20.1.1:1"]));
    const runs = peerChanges(new Map(), wanted);
    expect(runs.map((run) => run.filter((word) => word === "peer").length)).toEqual([500, 500, 1]);
  });
});

describe("what comes over a session", () => {
  /** Looks at one session, each so long after the one before and with so many bytes more. */
  const quietAfter = (...steps: readonly (readonly [afterMs: number, bytes: number])[]) => {
    let [looks, nowMs, bytes]: [Looks, number, number] = [new Map(), 0, 0];
    for (const [afterMs, more] of steps) {
      nowMs += afterMs;
      bytes += more;
      looks = lookAt(looks, new Map([["s", bytes]]), nowMs);
    }
    return looks.get("s")?.quiet;
  };

  test.each([
    ["the first look tells nothing", [[0, 5_000]], 0],
    [
      "keepalives and a handshake are no data",
      [
        [0, 0],
        [1_000, 180],
        [1_000, 32],
      ],
      2,
    ],
    [
      "two probes are data",
      [
        [0, 0],
        [1_000, 0],
        [1_000, 320],
      ],
      0,
    ],
    [
      "looks right after one another count as one",
      [
        [0, 0],
        [1_000, 0],
        [1, 0],
        [1, 0],
      ],
      1,
    ],
    [
      "what comes between two of those counts for the next",
      [
        [0, 0],
        [1_000, 0],
        [400, 200],
        [400, 200],
      ],
      0,
    ],
    [
      "a long sleep is one look",
      [
        [0, 0],
        [60_000, 0],
      ],
      1,
    ],
    [
      "a device made anew",
      [
        [0, 5_000],
        [1_000, 0],
        [1_000, -5_000],
      ],
      0,
    ],
  ] as const)("%s", (_, steps, quiet) => expect(quietAfter(...steps)).toBe(quiet));
});

function looksOf(session: string, quiet: number): Looks {
  return new Map([[session, { bytes: 0, atMs: 0, quiet }]]);
}
