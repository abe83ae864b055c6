import { decode } from "dns-packet";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { serviceKey } from "../../api/service-key.ts";
import { messageText } from "../testing/message-text.ts";
import { anImport, aSlice, port } from "../testing/objects.ts";
import { queryPacket, responseTo, testResponder, zoneOf } from "../testing/test-responder.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";

const PORTS = [port("http", 80), port("dns", 53, "UDP")];

/** Zones over two services whose addresses are drawn. */
const zones: fc.Arbitrary<ZoneSnapshot> = fc
  .record({
    ip: fc.option(fc.ipV4(), { nil: undefined }),
    isHeadless: fc.boolean(),
    endpoints: fc.uniqueArray(fc.tuple(fc.ipV4(), fc.constantFrom("", "=db-0", "=db-1")), {
      maxLength: 4,
    }),
    hasNamespace: fc.boolean(),
  })
  .map(({ ip, isHeadless, endpoints, hasNamespace }) =>
    zoneOf({
      imports: [
        anImport({ ports: PORTS, ...(ip === undefined ? {} : { ips: [ip] }) }),
        anImport({ key: "shop/db", isHeadless, ports: PORTS }),
      ],
      slices: [
        aSlice({ key: "shop/db", ports: PORTS, endpoints: endpoints.map((pair) => pair.join("")) }),
      ],
      namespaces: hasNamespace ? ["shop"] : [],
    }),
  );

const questions = fc
  .tuple(
    fc.constantFrom("", "_http._tcp.", "_tcp.", "db-0.east.", "east.", "db-9.east.", "x."),
    fc.constantFrom("web", "db", "none"),
    fc.constantFrom("A", "AAAA", "SRV", "TXT", "ANY", "MX"),
  )
  .map(([left, service, type]) => `${left}${service}.shop.svc.clusterset.local ${type}`);

const CHANGED = [serviceKey("shop", "web"), serviceKey("shop", "db")];

test("a cache that has seen other zones answers as one that has seen none (I10)", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(zones, fc.array(questions, { maxLength: 12 })), {
        minLength: 1,
        maxLength: 5,
      }),
      (steps) => {
        const old = testResponder(undefined, { cacheLimits: { entriesMax: 8, bytesMax: 20_000 } });
        for (const [zone, asked] of steps) {
          old.responder.setZone(zone, CHANGED);
          const fresh = testResponder(zone);
          for (const question of [...asked, ...asked]) {
            // Turns differ: compare as sets.
            expect(old.ask(question).toSorted()).toEqual(fresh.ask(question).toSorted());
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("a change drops the answers of its own service and no others", () => {
  const before = zoneOf({
    imports: [anImport({ ips: ["10.0.0.1"] }), anImport({ key: "shop/db", ips: ["10.0.0.2"] })],
  });
  const { responder, ask } = testResponder(before);
  ask("web.shop.svc.clusterset.local A");
  ask("db.shop.svc.clusterset.local A");
  ask("clusterset.local SOA");
  expect(responder.cacheSize).toBe(3);
  const after = zoneOf({
    imports: [anImport({ ips: ["10.0.0.9"] }), anImport({ key: "shop/db", ips: ["10.0.0.2"] })],
  });
  responder.setZone({ ...after, serial: 8 }, [serviceKey("shop", "web")]);
  expect(responder.cacheSize).toBe(2);
  expect(ask("web.shop.svc.clusterset.local A")[1]).toContain("10.0.0.9");
});

test("the serial in SOA answers, kept or not, is the zone's", () => {
  const zone = zoneOf({ imports: [anImport()] });
  const { responder, send } = testResponder(zone);
  const serials = (): unknown[] =>
    ["clusterset.local SOA", "no.shop.svc.clusterset.local A"].map((question) => {
      const packet = decode(send(queryPacket(question)));
      const [record] = [...(packet.answers ?? []), ...(packet.authorities ?? [])];
      return record?.type === "SOA" ? record.data.serial : undefined;
    });
  expect(serials()).toEqual([7, 7]);
  responder.setZone({ ...zone, serial: 4_294_967_295 }, []);
  expect(serials()).toEqual([4_294_967_295, 4_294_967_295]);
});

test("only answers of existing names and of the zone's types are kept", () => {
  const { responder, ask } = testResponder(zoneOf({ imports: [anImport({ ips: ["10.0.0.1"] })] }));
  for (let type = 1; type < 300; type++) ask(`web.shop.svc.clusterset.local UNKNOWN_${type}`);
  // A, NS, SOA, TXT, AAAA, SRV, ANY
  expect(responder.cacheSize).toBe(7);
  for (let index = 0; index < 300; index++) ask(`n${index}.shop.svc.clusterset.local A`);
  expect(responder.cacheSize).toBe(7);
});

test.each([
  { name: "entries", limits: { entriesMax: 20, bytesMax: 1_000_000 }, most: 20 },
  { name: "bytes", limits: { entriesMax: 1000, bytesMax: 10_000 }, most: 25 },
])("the cache stays within its $name, and answers stay right", ({ limits, most }) => {
  const imports = Array.from({ length: 100 }, (_, index) =>
    anImport({ key: `shop/s${index}`, ips: [`10.0.0.${index}`] }),
  );
  const { responder, ask } = testResponder(zoneOf({ imports }), { cacheLimits: limits });
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 100; index++) {
      const answer = ask(`s${index}.shop.svc.clusterset.local A`);
      expect(answer[1]).toBe(`s${index}.shop.svc.clusterset.local 5 IN A 10.0.0.${index}`);
    }
  }
  expect(responder.cacheSize).toBeGreaterThan(5);
  expect(responder.cacheSize).toBeLessThanOrEqual(most);
});

const { responder } = testResponder(
  zoneOf({ imports: [anImport({ ips: ["10.0.0.1", "fd00::1"], ports: PORTS })] }),
);

test("random bytes never throw, and whatever is answered decodes and is a response with the packet's id", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => expectSane(Buffer.from(bytes))),
    { numRuns: 2000 },
  );
});

test("mutated queries never throw, and whatever is answered decodes", () => {
  const valid = [
    queryPacket("web.shop.svc.clusterset.local SRV"),
    queryPacket("clusterset.local SOA", {}),
    queryPacket("nope.shop.svc.clusterset.local AAAA"),
  ];
  const mutation = fc.tuple(fc.nat(90), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...valid),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(90), { nil: undefined }),
      (packet, mutations, length) => {
        const mutated = Buffer.from(packet.subarray(0, length));
        for (const [at, value] of mutations) if (at < mutated.length) mutated[at] = value;
        expectSane(mutated);
      },
    ),
    { numRuns: 3000 },
  );
});

function expectSane(packet: Buffer): void {
  const before = Buffer.from(packet);
  const response = responseTo(responder, packet);
  expect(packet).toEqual(before);
  if (response === undefined) return;
  expect(response.subarray(0, 2)).toEqual(packet.subarray(0, 2));
  expect((response[2] ?? 0) & 0x80).toBe(0x80);
  expect(response.length).toBeLessThanOrEqual(1232);
  decode(response);
  if ((response[3] ?? 0) % 16 === 0 && response.length > 12) messageText(response);
}
