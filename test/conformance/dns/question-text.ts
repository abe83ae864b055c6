import type { Transport } from "../../../dns-server/answer/client.ts";
import { type QueryDraft, queryPacket } from "../../../dns-server/testing/test-responder.ts";

export interface Question {
  readonly packet: Buffer;
  readonly transport: Transport;
  readonly client: string;
}

type MutableDraft = { -readonly [K in keyof QueryDraft]: QueryDraft[K] };

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };

/**
 * Reads `name. CLASS TYPE +option...`:
 *
 *     +tcp  +from=192.0.2.9  +rd  +flags=0x0130  +opcode=4  +id=7
 *     +edns=1232  +version=1  +do  +option=10:2464c4abcf10c957
 *     +type=65280  +cut=20  +set=4:0002  +append=00ff    the type as a number; bytes left, changed and added at the end
 */
export function readQuestion(text: string): Question {
  const [name = "", klass = "", type = "", ...options] = text.split(/\s+/);
  const draft: MutableDraft = { id: 4711, flags: 0 };
  const asked: (readonly [number, string])[] = [];
  const patches: ((packet: Buffer) => Buffer)[] = [];
  let transport: Transport = "udp";
  let client = "192.0.2.1";
  for (const option of options) {
    const [key = "", value = ""] = splitOnce(option.replace("+", ""), "=");
    if (key === "tcp") transport = "tcp";
    else if (key === "from") client = value;
    else if (key === "rd") draft.flags = (draft.flags ?? 0) | 0x0100;
    else if (key === "flags") draft.flags = (draft.flags ?? 0) | Number(value);
    else if (key === "opcode") patches.push(word(2, Number(value) << 11));
    else if (key === "id") draft.id = Number(value);
    else if (key === "edns") draft.ednsBytes = Number(value);
    else if (key === "version") draft.ednsVersion = Number(value);
    else if (key === "do") draft.isDnssecOk = true;
    else if (key === "option") {
      const [code = "", data = ""] = splitOnce(value, ":");
      asked.push([Number(code), data]);
    } else if (key === "type") patches.push(questionWord(name, 0, Number(value)));
    else if (key === "cut") patches.push((packet) => packet.subarray(0, Number(value)));
    else if (key === "set") {
      const [at = "", hex = ""] = splitOnce(value, ":");
      patches.push((packet) => {
        Buffer.from(hex, "hex").copy(packet, Number(at));
        return packet;
      });
    } else if (key === "append") {
      patches.push((packet) => Buffer.concat([packet, Buffer.from(value, "hex")]));
    } else throw new Error(`no such option of a question: ${option}`);
  }
  const knownClass = CLASSES[klass];
  if (knownClass === undefined) throw new Error(`no such class: ${klass}`);
  if (knownClass !== 1) patches.unshift(questionWord(name, 2, knownClass));
  const whole = queryPacket(`${name.replace(/\.$/, "")} ${type}`, { ...draft, options: asked });
  return {
    packet: patches.reduce((packet, patch) => patch(packet), whole),
    transport,
    client,
  };
}

function word(at: number, value: number): (packet: Buffer) => Buffer {
  return (packet) => {
    packet.writeUInt16BE(packet.readUInt16BE(at) | value, at);
    return packet;
  };
}

/** Sets the type (0) or the class (2) of the question. */
function questionWord(name: string, offset: number, value: number): (packet: Buffer) => Buffer {
  return (packet) => {
    const nameBytes = name === "." ? 1 : name.replace(/\.$/, "").length + 2;
    packet.writeUInt16BE(value, 12 + nameBytes + offset);
    return packet;
  };
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
