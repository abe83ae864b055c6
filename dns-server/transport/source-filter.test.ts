import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeAddress } from "../../api/network/address-bytes.ts";
import { INSTRUCTION_BYTES, sourceFilter } from "./source-filter.ts";

/** What the kernel makes of a datagram, by the meaning of classic BPF, with `random` for chance. */
function isAccepted(program: Uint8Array, source: string, random: number): boolean {
  const header = Buffer.alloc(40);
  const isIpv6 = source.includes(":");
  header[0] = isIpv6 ? 0x60 : 0x45;
  writeAddress(source, header, isIpv6 ? 8 : 12);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  let accumulator = 0;
  for (let at = 0, steps = 0; steps < 4096; at++, steps++) {
    const byte = at * INSTRUCTION_BYTES;
    const k = view.getUint32(byte + 4, isLittle);
    const jump = (isTrue: boolean): number => view.getUint8(byte + (isTrue ? 2 : 3));
    switch (view.getUint16(byte, isLittle)) {
      case 0x20:
        accumulator = k === 0xfffff038 ? random : header.readUInt32BE(k - 0xfff00000);
        break;
      case 0x30:
        accumulator = header[k - 0xfff00000] ?? 0;
        break;
      case 0x74:
        accumulator >>>= k;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += jump(accumulator === k);
        break;
      case 0x35:
        at += jump(accumulator >= k);
        break;
      case 0x06:
        return k > 0;
      default:
        throw new Error(`unknown instruction ${view.getUint16(byte, isLittle)} at ${at}`);
    }
  }
  throw new Error("no end");
}

const anAddress = fc.oneof(fc.ipV4(), fc.ipV6());
const aRandom = fc.nat(0xffffffff);

describe("filter by source", () => {
  test("who is known passes, whatever chance says", () => {
    fc.assert(
      fc.property(
        fc.array(anAddress, { minLength: 1, maxLength: 64 }),
        aRandom,
        (clients, random) => {
          const program = sourceFilter(clients, 0);
          for (const client of clients) expect(isAccepted(program, client, random)).toBe(true);
        },
      ),
    );
  });

  test("who is not passes by chance", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anAddress, { minLength: 1, maxLength: 64, selector: canonical }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        aRandom,
        ([stranger = "", ...clients], admitted, random) => {
          const program = sourceFilter(clients, admitted);
          expect(isAccepted(program, stranger, random)).toBe(
            random < Math.round(admitted * 2 ** 32),
          );
        },
      ),
    );
  });

  test("an IPv4 address is the same through a socket of both families", () => {
    const program = sourceFilter(["::ffff:192.0.2.1"], 0);
    expect(isAccepted(program, "192.0.2.1", 0)).toBe(true);
    expect(isAccepted(program, "192.0.2.2", 0)).toBe(false);
  });
});

function canonical(address: string): string {
  const bytes = Buffer.alloc(16);
  return `${writeAddress(address, bytes, 0)} ${bytes.toString("hex")}`;
}
