import { err, ok, type Result } from "../../../api/result.ts";

/** What an admin hands from the hub to a cluster that is to join. Whoever holds it can join as that cluster, once. */
export interface JoinToken {
  /** Public name of the token: 12 characters of base64url. */
  readonly id: string;
  /** 256 random bits, base64url. Never logged, never stored by the broker. */
  readonly secret: string;
  /**
   * SHA-256 of an authority's public key, base64url: whom the member may show the secret. Two while the authority is being
   * rotated: the present one and the next.
   */
  readonly authorities: readonly string[];
  /** host:port of the broker, when the token carries it. */
  readonly brokerAddress?: string;
}

export const TOKEN_ID_BYTES = 9;
export const TOKEN_SECRET_BYTES = 32;

const PREFIX = "isthmus-join";
const ID = /^[A-Za-z0-9_-]{12}$/;
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const ADDRESS = /^[A-Za-z0-9_-]{1,512}$/;
/** Longer text is not a token. */
const MAX_LENGTH = 1024;

/** `isthmus-join.<id>.<secret>.<authority fingerprint>[~<another>][.<address, base64url>]` */
export function formatJoinToken(token: JoinToken): string {
  const parts = [PREFIX, token.id, token.secret, token.authorities.join("~")];
  if (token.brokerAddress !== undefined) {
    parts.push(Buffer.from(token.brokerAddress, "utf8").toString("base64url"));
  }
  return parts.join(".");
}

/** Errors name the part that is wrong and its length, never its text: any part may be the secret. */
export function parseJoinToken(text: string): Result<JoinToken, string> {
  const trimmed = text.trim();
  const shape = `must be ${PREFIX}.<id>.<secret>.<authority>[.<address>]`;
  if (trimmed.length > MAX_LENGTH) {
    return err(`cannot parse join token: ${shape}: got ${trimmed.length} characters`);
  }
  const parts = trimmed.split(".");
  if (parts[0] !== PREFIX || parts.length < 4 || parts.length > 5) {
    return err(
      `cannot parse join token: ${shape}: got ${parts.length} parts ${parts[0] === PREFIX ? "" : "without the prefix "}in ${trimmed.length} characters (was it cut when copied?)`,
    );
  }
  const [, id = "", secret = "", pins = "", address] = parts;
  if (!ID.test(id)) return err(badPart("id", 12, id));
  if (!DIGEST.test(secret)) return err(badPart("secret", 43, secret));
  const authorities = pins.split("~");
  const badPin = authorities.find((pin) => !DIGEST.test(pin)) ?? authorities[2];
  if (badPin !== undefined) return err(badPart("authority", 43, pins));
  const token = { id, secret, authorities };
  if (address === undefined) return ok(token);
  if (!ADDRESS.test(address)) {
    return err(
      `cannot parse join token: address must be at most 512 characters of base64url: got ${address.length} characters`,
    );
  }
  return ok({ ...token, brokerAddress: Buffer.from(address, "base64url").toString("utf8") });
}

function badPart(part: string, length: number, seen: string): string {
  return `cannot parse join token: ${part} must be ${length} characters of base64url: got ${seen.length} (was it cut when copied?)`;
}
