import { readFileSync } from "node:fs";
import { decode } from "dns-packet";
import { SAMPLE_ZONE } from "../../dns-server/testing/sample-zone.ts";
import { responseTo, testResponder } from "../../dns-server/testing/test-responder.ts";
import { TcpFrames } from "../../dns-server/transport/tcp-frames.ts";
import type { Draw } from "../../runtime/random/draw.ts";

/** Packets that reach every part of the parser, and those that once broke something; a name and hexadecimal digits a line. */
export function readCorpus(): ReadonlyMap<string, Buffer> {
  const text = readFileSync(new URL("./dns-corpus.txt", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [name = "", hex = ""] = line.split(": ");
      return [name, Buffer.from(hex, "hex")];
    }),
  );
}

const PACKET_BYTES_MAX = 2000;
const { responder } = testResponder(SAMPLE_ZONE);

/** What must hold for any bytes whatever; the broken rule, undefined when there is none. */
export function checkPacket(packet: Buffer): string | undefined {
  for (const transport of ["udp", "tcp"] as const) {
    const before = Buffer.from(packet);
    const response = responseTo(responder, packet, transport);
    if (!packet.equals(before)) return "the packet was changed";
    if (response === undefined) continue;
    if (packet.length < 12) return "a scrap was answered";
    if ((packet.readUInt16BE(2) & 0x8000) !== 0) return "a response was answered";
    if (response.readUInt16BE(0) !== packet.readUInt16BE(0)) return "the id differs";
    if ((response.readUInt16BE(2) & 0x8000) === 0) return "the answer is no response";
    if (transport === "udp" && response.length > 1232) return `too long: ${response.length} bytes`;
    decode(response);
  }
  if (responder.cacheSize > 1000) return "the cache has grown";
  return undefined;
}

/** A stream in pieces of any size: framing gives back its messages whole and in order, and holds no more than it must. */
export function checkFrames(stream: Buffer, draw: Draw): string | undefined {
  const frames = new TcpFrames();
  const got: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = 1 + draw.below(draw.oneIn(2) ? 3 : 700);
    frames.push(stream.subarray(at, at + size));
    at += size;
    for (let next = frames.take(); next !== undefined; next = frames.take()) {
      got.push(Buffer.from(next));
    }
  }
  let at = 0;
  for (const message of got) {
    const length = stream.readUInt16BE(at);
    if (!message.equals(stream.subarray(at + 2, at + 2 + length)))
      return `message at ${at} differs`;
    at += 2 + length;
  }
  const isWhole = at + 2 > stream.length || at + 2 + stream.readUInt16BE(at) > stream.length;
  return isWhole ? undefined : `message at ${at} was not given`;
}

/** One to a few changes of the kinds that break parsers. */
export function mutate(packet: Buffer, others: readonly Buffer[], draw: Draw): Buffer {
  let bytes = Buffer.from(packet);
  for (let count = 1 + draw.below(4); count > 0; count--) {
    const at = draw.below(bytes.length + 1);
    switch (draw.below(6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes[at] = draw.one([0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff]);
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << draw.below(8));
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(draw.below(80), at)]);
        break;
      case 4: {
        const other = others[draw.below(others.length)] ?? bytes;
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(draw.below(other.length))]);
        break;
      }
      default:
        // Counts of records are where lies cost most.
        if (bytes.length >= 12) bytes[4 + draw.below(8)] = draw.below(4);
    }
  }
  return bytes.subarray(0, PACKET_BYTES_MAX);
}
