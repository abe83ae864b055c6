import { type Answer, decode } from "dns-packet";
import { optionTexts } from "../../../dns-server/testing/message-text.ts";

const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const EXTENDED_RCODES: Readonly<Record<number, string>> = { 16: "BADVERS", 23: "BADCOOKIE" };
const FLAGS = [
  ["aa", 0x0400],
  ["tc", 0x0200],
  ["rd", 0x0100],
  ["ra", 0x0080],
  ["z", 0x0040],
  ["ad", 0x0020],
  ["cd", 0x0010],
] as const;

/**
 * A response in zone-file text: code and flags, records by section (`AUTHORITY` and `ADDITIONAL` before theirs), OPT with its
 * options. Records of a section are a set, hence sorted. Serials are written `<serial>`, sizes in bytes left out.
 */
export function answerText(message: Buffer): readonly string[] {
  const packet = decode(message);
  const opt = (packet.additionals ?? []).find((answer) => answer.type === "OPT");
  const extended = opt?.type === "OPT" ? opt.extendedRcode << 4 : 0;
  const rcode = extended | ((message[3] ?? 0) & 0xf);
  const word = message.readUInt16BE(2);
  const flags = FLAGS.filter(([, bit]) => (word & bit) !== 0).map(([name]) => name);
  const opcode = (word >> 11) & 0xf;
  const additionals = (packet.additionals ?? []).filter(({ type }) => type !== "OPT");
  return [
    [
      RCODES[rcode] ?? EXTENDED_RCODES[rcode] ?? `RCODE${rcode}`,
      ...flags,
      ...(opcode === 0 ? [] : [`opcode=${opcode}`]),
      ...((packet.questions ?? []).length === 1 ? [] : ["without-question"]),
    ].join(" "),
    ...section("", packet.answers ?? []),
    ...section("AUTHORITY", packet.authorities ?? []),
    ...section("ADDITIONAL", additionals),
    ...(opt?.type === "OPT"
      ? [
          `OPT version=${opt.ednsVersion} udp=${opt.udpPayloadSize}${opt.flag_do ? " do" : ""}`,
          ...optionTexts(message),
        ]
      : []),
  ];
}

function section(title: string, records: readonly Answer[]): readonly string[] {
  const texts = records.map(recordText).toSorted();
  return texts.length === 0 || title === "" ? texts : [title, ...texts];
}

function recordText(record: Answer): string {
  if (record.type === "OPT") return "OPT";
  const ttl = "ttl" in record ? record.ttl : 0;
  return `${record.name}. ${ttl} IN ${record.type} ${dataText(record)}`;
}

function dataText(record: Answer): string {
  const { type } = record;
  if (type === "A" || type === "AAAA") return record.data;
  if (type === "NS" || type === "PTR") return `${record.data}.`;
  if (type === "TXT") return JSON.stringify([record.data].flat().map(String).join(""));
  if (type === "SRV") {
    const { priority, weight, port, target } = record.data;
    return `${priority} ${weight} ${port} ${target}.`;
  }
  if (type === "SOA") {
    const { mname, rname, refresh, retry, expire, minimum } = record.data;
    return `${mname}. ${rname}. <serial> ${refresh} ${retry} ${expire} ${minimum}`;
  }
  throw new Error(`a type that the server has no records of: ${type}`);
}
