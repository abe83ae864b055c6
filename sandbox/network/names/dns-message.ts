import { decode, encode, RECURSION_DESIRED } from "dns-packet";
import { err, ok, type Result } from "../../../api/result.ts";
import { canonicalIp } from "../canonical-ip.ts";

export type AddressRecord = "A" | "AAAA";

export interface AddressQuery {
  readonly id: number;
  readonly name: string;
  readonly type: AddressRecord;
}

export interface AddressReply {
  readonly rcode: number;
  readonly truncated: boolean;
  /** Addresses of the name itself or of what its CNAMEs lead to. */
  readonly addresses: readonly string[];
}

/** RFC 6891: answers up to this size come over UDP. */
const UDP_PAYLOAD_SIZE = 1232;
const HEADER_SIZE = 12;

export function encodeAddressQuery(query: AddressQuery): Uint8Array {
  return encode({
    type: "query",
    id: query.id,
    flags: RECURSION_DESIRED,
    questions: [{ name: query.name, type: query.type, class: "IN" }],
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: UDP_PAYLOAD_SIZE,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

/** An error means: not the answer to this query, whatever it is. */
export function decodeAddressReply(
  bytes: Uint8Array,
  query: AddressQuery,
): Result<AddressReply, string> {
  const flags = bytes[3];
  if (bytes.length < HEADER_SIZE || flags === undefined) return err("shorter than a DNS header");
  try {
    const packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const question = packet.questions?.[0];
    if (packet.type !== "response" || packet.id !== query.id) return err("not a reply to our id");
    if (question?.type !== query.type || question.name.toLowerCase() !== query.name.toLowerCase()) {
      return err("another question");
    }
    const addresses = (packet.answers ?? []).flatMap((answer) =>
      answer.type === query.type && typeof answer.data === "string"
        ? (canonicalIp(answer.data) ?? [])
        : [],
    );
    return ok({ rcode: flags & 15, truncated: packet.flag_tc, addresses });
  } catch (cause) {
    return err(`not a DNS message: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** A name that a query can carry: labels of 1 to 63 bytes, 253 in all. */
export function isQueryableName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  return name.split(".").every((label) => label.length > 0 && label.length <= 63);
}
