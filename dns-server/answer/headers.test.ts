import { decode, encode } from "dns-packet";
import { describe, expect, test } from "vitest";
import { messageText, questionText } from "../testing/message-text.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { queryPacket, responseTo, testResponder } from "../testing/test-responder.ts";

const Z = "svc.clusterset.local";
const { send } = testResponder(SAMPLE_ZONE);

describe("headers", () => {
  test("id and RD are copied; RA, AD, CD and Z are clear", () => {
    const response = send(queryPacket(`web.shop.${Z} A`, { id: 0xbeef, flags: 0x0170 }));
    expect(response.readUInt16BE(0)).toBe(0xbeef);
    expect(response.readUInt16BE(2)).toBe(0x8500);
    const quiet = send(queryPacket(`web.shop.${Z} A`, { id: 1 }));
    expect(quiet.readUInt16BE(2)).toBe(0x8400);
  });

  test("no OPT is sent to who sent none; DO is copied and our size is offered to who did", () => {
    expect(decode(send(queryPacket(`web.shop.${Z} A`, {}))).additionals).toEqual([]);
    const response = decode(
      send(queryPacket(`web.shop.${Z} A`, { ednsBytes: 4000, isDnssecOk: true })),
    );
    expect(response.additionals).toEqual([
      expect.objectContaining({ type: "OPT", udpPayloadSize: 1232, flag_do: true, ednsVersion: 0 }),
    ]);
    const negative = decode(
      send(queryPacket(`no.shop.${Z} A`, { ednsBytes: 4000, isDnssecOk: false })),
    );
    expect(negative.additionals).toEqual([
      expect.objectContaining({ type: "OPT", flag_do: false }),
    ]);
  });

  test("RFC 6891: other versions of EDNS get BADVERS, with version 0 and the question", () => {
    const response = send(queryPacket(`web.shop.${Z} A`, { ednsBytes: 1232, ednsVersion: 1 }));
    expect(messageText(response)).toEqual(["BADVERS"]);
    expect(questionText(response)).toBe(`web.shop.${Z} A`);
  });

  test.each([
    { name: "class CH", at: -1, value: 3 },
    { name: "class ANY", at: -1, value: 255 },
  ])("$name is refused", ({ value }) => {
    const packet = queryPacket(`web.shop.${Z} A`, {});
    packet.writeUInt16BE(value, packet.length - 2);
    expect(send(packet).readUInt16BE(2)).toBe(0x8005);
  });

  test.each([
    { name: "IQUERY", opcode: 1 },
    { name: "STATUS", opcode: 2 },
    { name: "NOTIFY", opcode: 4 },
    { name: "UPDATE", opcode: 5 },
    { name: "unassigned 15", opcode: 15 },
  ])("$name gets NOTIMP with its opcode, in a bare header", ({ opcode }) => {
    const packet = queryPacket(`web.shop.${Z} A`, {});
    packet.writeUInt16BE(opcode << 11, 2);
    const response = send(packet);
    expect(response.length).toBe(12);
    expect(response.readUInt16BE(2)).toBe(0x8000 | (opcode << 11) | 4);
  });

  test.each([
    { name: "no question", mutate: (packet: Buffer) => packet.writeUInt16BE(0, 4) },
    { name: "two questions", mutate: (packet: Buffer) => packet.writeUInt16BE(2, 4) },
    { name: "a pointer in the question", mutate: (packet: Buffer) => packet.writeUInt8(0xc0, 12) },
    { name: "an unknown label type", mutate: (packet: Buffer) => packet.writeUInt8(0x41, 12) },
    { name: "records that are not there", mutate: (packet: Buffer) => packet.writeUInt16BE(1, 10) },
  ])("$name gets FORMERR in a bare header", ({ mutate }) => {
    const packet = queryPacket(`web.shop.${Z} A`, { id: 99 });
    mutate(packet);
    const response = send(packet);
    expect(response.length).toBe(12);
    expect(response.readUInt16BE(0)).toBe(99);
    expect(response.readUInt16BE(2)).toBe(0x8001);
  });

  test("two OPT records get FORMERR", () => {
    const one = queryPacket(`web.shop.${Z} A`, { ednsBytes: 1232 });
    const two = Buffer.concat([one, one.subarray(-11)]);
    two.writeUInt16BE(2, 10);
    expect(send(two).readUInt16BE(2)).toBe(0x8001);
  });

  test("responses and scraps get no answer at all", () => {
    const { responder } = testResponder(SAMPLE_ZONE);
    const response = encode({
      type: "response",
      id: 1,
      questions: [{ name: `web.shop.${Z}`, type: "A" }],
    });
    expect(responseTo(responder, response)).toBeUndefined();
    for (let length = 0; length < 12; length++) {
      const scrap = queryPacket("a A").subarray(0, length);
      expect(responseTo(responder, scrap)).toBeUndefined();
    }
  });
});
