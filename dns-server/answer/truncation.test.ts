import { decode } from "dns-packet";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageText } from "../testing/message-text.ts";
import { anImport, aSlice } from "../testing/objects.ts";
import { queryPacket, testResponder, zoneOf } from "../testing/test-responder.ts";

const NAME = "big.shop.svc.clusterset.local";

function bigZone(endpoints: number): ReturnType<typeof zoneOf> {
  const addresses = Array.from(
    { length: endpoints },
    (_, index) => `10.1.${index >> 8}.${index & 255}`,
  );
  return zoneOf({
    imports: [anImport({ key: "shop/big", isHeadless: true })],
    slices: [
      aSlice({ key: "shop/big", endpoints: addresses, ports: [{ name: "http", port: 8080 }] }),
    ],
  });
}

const { send } = testResponder(bigZone(100), { udpPayloadBytes: 4096 });

describe("DNS-44: size of answers", () => {
  test.each([
    { name: "512 without EDNS", draft: {}, limit: 512 },
    { name: "what EDNS says", draft: { ednsBytes: 1000 }, limit: 1000 },
    { name: "512 when EDNS says less", draft: { ednsBytes: 100 }, limit: 512 },
    { name: "512 when EDNS says 0", draft: { ednsBytes: 0 }, limit: 512 },
    { name: "our maximum when EDNS says more", draft: { ednsBytes: 65_535 }, limit: 4096 },
  ])("UDP: $name", ({ draft, limit }) => {
    const response = send(queryPacket(`${NAME} SRV`, draft));
    expect(response.length).toBeLessThanOrEqual(limit);
    expect(decode(response).flag_tc).toBe(true);
    // As full as whole records allow.
    expect(response.length).toBeGreaterThan(limit - 120);
  });

  test("an answer that fits is whole: 28 addresses with compressed names within 512 bytes", () => {
    const { send: sendSmall } = testResponder(bigZone(28));
    const response = sendSmall(queryPacket(`${NAME} A`, {}));
    expect(decode(response)).toMatchObject({ flag_tc: false });
    expect(decode(response).answers).toHaveLength(28);
  });

  test("addresses of targets go first, silently; whole targets only", () => {
    const { send: sendFew } = testResponder(bigZone(6));
    const whole = decode(sendFew(queryPacket(`${NAME} SRV`), "tcp"));
    expect(whole.additionals).toHaveLength(7);
    const cut = decode(sendFew(queryPacket(`${NAME} SRV`, { ednsBytes: 512 })));
    expect(cut.flag_tc).toBe(false);
    expect(cut.answers).toEqual(whole.answers);
    const glue = (cut.additionals ?? []).filter(({ type }) => type === "A");
    expect(glue.length).toBeLessThan(6);
    expect(whole.additionals).toEqual(expect.arrayContaining(glue));
  });

  test("TCP carries all of it", () => {
    const response = decode(send(queryPacket(`${NAME} SRV`, {}), "tcp"));
    expect(response.flag_tc).toBe(false);
    expect(response.answers).toHaveLength(100);
    expect(response.additionals).toHaveLength(100);
  });

  test("what not even TCP can carry is cut and says so", () => {
    const { send: sendHuge } = testResponder(bigZone(3000));
    const response = sendHuge(queryPacket(`${NAME} SRV`), "tcp");
    expect(response.length).toBeLessThanOrEqual(65_535);
    const packet = decode(response);
    expect(packet.flag_tc).toBe(true);
    expect(packet.answers?.length).toBeGreaterThan(500);
    const addresses = decode(sendHuge(queryPacket(`${NAME} A`), "tcp"));
    expect(addresses.flag_tc).toBe(false);
    expect(addresses.answers).toHaveLength(3000);
  });

  test("any cut is a well-formed part of the whole answer", () => {
    const whole = new Set(messageText(send(queryPacket(`${NAME} SRV`), "tcp")).slice(1));
    const wholeA = new Set(messageText(send(queryPacket(`${NAME} A`), "tcp")).slice(1));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.constantFrom("A", "SRV"),
        (ednsBytes, type) => {
          const response = send(queryPacket(`${NAME} ${type}`, { ednsBytes }));
          expect(response.length).toBeLessThanOrEqual(Math.max(512, Math.min(4096, ednsBytes)));
          const records = messageText(response).slice(1);
          expect(new Set(records).size).toBe(records.length);
          for (const record of records) expect(type === "A" ? wholeA : whole).toContain(record);
        },
      ),
      { numRuns: 200 },
    );
  });
});
