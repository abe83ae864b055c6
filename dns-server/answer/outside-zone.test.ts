import { describe, expect, test } from "vitest";
import { serviceKey } from "../../api/service-key.ts";
import { AccessList } from "../guard/access-list.ts";
import { NEARBY } from "../server-options.ts";
import { messageText, optionTexts } from "../testing/message-text.ts";
import { anImport, aSlice } from "../testing/objects.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { CLIENT, queryPacket, testResponder, zoneOf } from "../testing/test-responder.ts";
import { MESSAGE_BYTES_MAX } from "../wire/dns-numbers.ts";
import { type Client, NOTHING_NOW } from "./client.ts";
import type { Forward } from "./outside-zone.ts";

const Z = "svc.clusterset.local";
const NIBBLES = "b.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa";

describe("PTR", () => {
  const { ask } = testResponder(SAMPLE_ZONE, { answersReverse: true });

  test.each([
    { address: "clusterset IP", name: "10.1.96.10.in-addr.arpa", target: `web.shop.${Z}` },
    { address: "clusterset IP of IPv6", name: NIBBLES, target: `dual.shop.${Z}` },
    { address: "endpoint", name: "1.1.1.10.in-addr.arpa", target: `db-0.east.db.shop.${Z}` },
    {
      address: "endpoint without a hostname",
      name: "1.2.1.10.in-addr.arpa",
      target: `10-1-2-1.east.pods.shop.${Z}`,
    },
  ])("$address", ({ name, target }) => {
    expect(ask(`${name} PTR`)).toEqual(["NOERROR aa", `${name} 5 IN PTR ${target}`]);
  });

  test.each([
    { what: "an address of nobody", question: "9.9.9.9.in-addr.arpa PTR" },
    { what: "an endpoint that is not ready", question: "2.1.2.10.in-addr.arpa PTR" },
    { what: "an endpoint of a ClusterSetIP service", question: "1.0.1.10.in-addr.arpa PTR" },
    { what: "a namespace that is not here", question: "99.1.96.10.in-addr.arpa PTR" },
    { what: "another type", question: "10.1.96.10.in-addr.arpa A" },
    { what: "a network", question: "1.96.10.in-addr.arpa PTR" },
    { what: "another spelling", question: "010.1.96.10.in-addr.arpa PTR" },
    { what: "no address", question: "x.1.96.10.in-addr.arpa PTR" },
    { what: "half an IPv6 address", question: "0.0.0.0.0.0.d.f.ip6.arpa PTR" },
  ])("REFUSED: $what", ({ question }) => expect(ask(question)).toEqual(["REFUSED"]));

  test("any case of the question", () => {
    expect(ask("10.1.96.10.In-Addr.ARPA PTR")[1]).toContain(`PTR web.shop.${Z}`);
  });

  test("off unless asked for (DNS-32)", () => {
    const plain = testResponder(SAMPLE_ZONE);
    expect(plain.ask("10.1.96.10.in-addr.arpa PTR")).toEqual(["REFUSED"]);
  });

  test("a change moves names, and a shared address has them all", () => {
    const slices = [
      aSlice({ key: "shop/a", endpoints: ["10.1.1.1=x"] }),
      aSlice({ key: "shop/b", endpoints: ["10.1.1.1=y"] }),
    ];
    const both = zoneOf({
      imports: [
        anImport({ key: "shop/a", isHeadless: true }),
        anImport({ key: "shop/b", isHeadless: true }),
      ],
      slices,
    });
    const { ask, responder } = testResponder(both, { answersReverse: true });
    expect(ask("1.1.1.10.in-addr.arpa PTR").slice(1).toSorted()).toEqual([
      `1.1.1.10.in-addr.arpa 5 IN PTR x.east.a.shop.${Z}`,
      `1.1.1.10.in-addr.arpa 5 IN PTR y.east.b.shop.${Z}`,
    ]);
    const one = zoneOf({ imports: [anImport({ key: "shop/b", isHeadless: true })], slices });
    responder.setZone(one, [serviceKey("shop", "a")]);
    expect(ask("1.1.1.10.in-addr.arpa PTR")).toHaveLength(2);
    responder.setZone(zoneOf({ namespaces: ["shop"] }), [serviceKey("shop", "b")]);
    expect(ask("1.1.1.10.in-addr.arpa PTR")).toEqual(["REFUSED"]);
  });
});

describe("other zones go to upstream resolvers", () => {
  /** Sends `packet` and gives what comes at once, and later. */
  async function send(packet: Buffer, ask: Forward["ask"], recall: Forward["recall"] = nothing) {
    const { responder } = testResponder(SAMPLE_ZONE, { forward: { ask, recall } });
    const into = Buffer.alloc(MESSAGE_BYTES_MAX);
    const later = Promise.withResolvers<Buffer>();
    const client: Client = { ...CLIENT, later: () => later.resolve };
    const bytes = responder.respond(packet, packet.length, "udp", into, client);
    if (bytes > 0) return { isLater: false, response: into.subarray(0, bytes) };
    expect(bytes).toBe(NOTHING_NOW);
    // The next query may overwrite everything before the answer is there.
    into.fill(0xff);
    responder.respond(queryPacket("web.shop.svc.clusterset.local A"), 40, "udp", into, client);
    return { isLater: true, response: await later.promise };
  }

  const nothing: Forward["recall"] = () => undefined;
  const SILENCE = { kind: "failure", response: undefined, isKept: false } as const;

  const echo: Forward["ask"] = async (query) => {
    const response = Buffer.from(query);
    response.writeUInt16BE(0x8180, 2);
    return { kind: "answer", response };
  };

  test("and the answer comes later, under the client's id", async () => {
    const { isLater, response } = await send(
      queryPacket("WWW.example.com A", { id: 4242, flags: 0x0100, ednsBytes: 1232 }),
      echo,
    );
    expect(isLater).toBe(true);
    expect(response.readUInt16BE(0)).toBe(4242);
    expect(messageText(response)).toEqual(["NOERROR rd"]);
  });

  test("what is known is answered at once, under the client's id, and nobody is asked", async () => {
    const ask = async (): Promise<never> => {
      throw new Error("asked");
    };
    const { isLater, response } = await send(
      queryPacket("WWW.example.com A", { id: 4242, flags: 0x0100, ednsBytes: 1232 }),
      ask,
      (query) => {
        const known = Buffer.from(query);
        known.writeUInt16BE(0x8183, 2);
        return { kind: "answer", response: known };
      },
    );
    expect(isLater).toBe(false);
    expect(response.readUInt16BE(0)).toBe(4242);
    expect(messageText(response)).toEqual(["NXDOMAIN rd"]);
  });

  test("nobody answers: SERVFAIL, and why", async () => {
    const query = queryPacket("www.example.com A", { flags: 0x0100, ednsBytes: 1232 });
    const { response } = await send(query, async () => SILENCE);
    expect(messageText(response)).toEqual(["SERVFAIL rd"]);
    expect(optionTexts(response)).toEqual(["EDE 22 no upstream resolver answered"]);
  });

  test("nobody answered a moment ago: SERVFAIL at once (RFC 9520)", async () => {
    const query = queryPacket("www.example.com A", { id: 4242, flags: 0x0100, ednsBytes: 1232 });
    const { isLater, response } = await send(query, echo, () => ({ ...SILENCE, isKept: true }));
    expect(isLater).toBe(false);
    expect(response.readUInt16BE(0)).toBe(4242);
    expect(messageText(response)).toEqual(["SERVFAIL rd"]);
    expect(optionTexts(response)).toEqual(["EDE 13 upstream resolvers failed a moment ago"]);
  });

  test.each([
    { what: "without RD", packet: queryPacket("www.example.com A", { ednsBytes: 1232 }) },
    { what: "transfers", packet: queryPacket("example.com AXFR", { flags: 0x0100 }) },
  ])("$what are refused at once", async ({ packet }) => {
    const { isLater, response } = await send(packet, echo);
    expect(isLater).toBe(false);
    expect(messageText(response)[0]).toMatch(/^REFUSED/);
  });

  test("for those who are allowed; others are refused", async () => {
    const near = AccessList.parse("forward allow", NEARBY);
    if (!near.ok) throw new Error(near.error);
    const { responder } = testResponder(SAMPLE_ZONE, {
      forward: { ask: echo, recall: nothing },
      forwardAccess: near.value,
    });
    const ask = (address: string): number => {
      const query = queryPacket("www.example.com A", { flags: 0x0100 });
      const into = Buffer.alloc(MESSAGE_BYTES_MAX);
      const client: Client = { address, later: () => () => undefined };
      const bytes = responder.respond(query, query.length, "udp", into, client);
      return bytes > 0 ? into.readUInt16BE(2) & 0xf : bytes;
    };
    for (const address of ["10.1.2.3", "127.0.0.1", "fd00::7", "::ffff:192.168.0.9"]) {
      expect(ask(address)).toBe(NOTHING_NOW);
    }
    for (const address of ["192.0.2.1", "2001:db8::1", "172.32.0.1"]) {
      expect(ask(address)).toBe(5);
    }
  });

  test("names of the zone are never asked elsewhere, and answers say that recursion is available", async () => {
    for (const name of [`web.shop.${Z}`, `no.shop.${Z}`, "clusterset.local"]) {
      const query = queryPacket(`${name} A`, { flags: 0x0100, ednsBytes: 1232 });
      const { isLater, response } = await send(query, echo);
      expect(isLater).toBe(false);
      expect(response.readUInt16BE(2) & 0x0580).toBe(0x0580);
    }
  });
});
