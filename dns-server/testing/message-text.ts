import { type Answer, decode, type Question } from "dns-packet";
import { InvariantError } from "../../api/invariant.ts";

/**
 * A response as zone-file text, decoded by dns-packet, which shares no code with the server:
 * a line of code and flags, then the records with their section in front: `;` authority, `+` additional.
 */
export function messageText(message: Buffer): readonly string[] {
  const packet = decode(message);
  const additionals = packet.additionals ?? [];
  const opt = additionals.find((answer) => answer.type === "OPT");
  const flags = [packet.flag_aa && "aa", packet.flag_tc && "tc", packet.flag_rd && "rd"];
  return [
    [rcodeText(message, opt), ...flags.filter((flag) => flag !== false)].join(" "),
    ...(packet.answers ?? []).map(recordText),
    ...(packet.authorities ?? []).map((answer) => `; ${recordText(answer)}`),
    ...additionals.filter(({ type }) => type !== "OPT").map((answer) => `+ ${recordText(answer)}`),
  ];
}

/** Options of a response: `COOKIE <hex>`, `NSID <text>`, `KEEPALIVE <100 ms>`, `EDE <code> <text>`; empty without OPT. */
export function optionTexts(message: Buffer): readonly string[] {
  const opt = decode(message).additionals?.find((answer) => answer.type === "OPT");
  if (opt?.type !== "OPT") return [];
  return opt.options.map((option) => {
    const data = "data" in option && Buffer.isBuffer(option.data) ? option.data : Buffer.alloc(0);
    switch (option.code as number) {
      case 3:
        return `NSID ${data.toString()}`;
      case 10:
        return `COOKIE ${data.toString("hex")}`;
      case 11:
        return `KEEPALIVE ${"timeout" in option ? option.timeout : data.toString("hex")}`;
      case 15:
        return `EDE ${data.readUInt16BE(0)} ${data.toString("utf8", 2)}`;
      default:
        return `OPTION${option.code} ${data.toString("hex")}`;
    }
  });
}

export function questionText(message: Buffer): string {
  const [question] = decode(message).questions ?? [];
  return question === undefined ? "" : `${question.name} ${question.type}`;
}

export function toQuestion(text: string): Question {
  const [name = "", type = "A"] = text.split(" ");
  return { name, type: toType(type) };
}

function toType(text: string): Question["type"] {
  // dns-packet knows ANY, its types do not.
  return text as Question["type"];
}

const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const EXTENDED_CODES = new Map([
  [16, "BADVERS"],
  [23, "BADCOOKIE"],
]);

function rcodeText(message: Buffer, opt: Answer | undefined): string {
  const extended = opt?.type === "OPT" ? opt.extendedRcode << 4 : 0;
  const code = extended | ((message[3] ?? 0) & 0xf);
  return CODES[code] ?? EXTENDED_CODES.get(code) ?? `RCODE${code}`;
}

function recordText(answer: Answer): string {
  if (answer.type === "OPT") return "OPT";
  const ttl = "ttl" in answer ? answer.ttl : 0;
  return `${answer.name} ${ttl} IN ${answer.type} ${dataText(answer)}`;
}

function dataText(answer: Answer): string {
  if (answer.type === "SRV") {
    const { priority, weight, port, target } = answer.data;
    return `${priority} ${weight} ${port} ${target}`;
  }
  if (answer.type === "SOA") {
    const { mname, rname, refresh, retry, expire, minimum } = answer.data;
    return `${mname} ${rname} <serial> ${refresh} ${retry} ${expire} ${minimum}`;
  }
  if (answer.type === "TXT") return JSON.stringify([answer.data].flat().map(String));
  if (answer.type === "A" || answer.type === "AAAA") return answer.data;
  if (answer.type === "NS" || answer.type === "PTR") return answer.data;
  throw new InvariantError("the server sends only types of its zone", { type: answer.type });
}
