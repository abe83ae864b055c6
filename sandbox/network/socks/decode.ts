import { addressText } from "../../../api/network/address-bytes.ts";
import {
  AUTH_VERSION,
  type Decoded,
  type Problem,
  SOCKS_VERSION,
  type SocksAddress,
  type SocksCredentials,
  type SocksDatagram,
  type SocksReply,
  type SocksRequest,
} from "./socks-message.ts";

const INCOMPLETE = { kind: "incomplete" } as const;

/** RFC 1928 section 3: VER NMETHODS METHODS. */
export function decodeGreeting(bytes: Uint8Array): Decoded<readonly number[]> {
  const [version, count] = bytes;
  if (version !== undefined && version !== SOCKS_VERSION)
    return wrongVersion(SOCKS_VERSION, version);
  if (count === undefined || bytes.length < 2 + count) return INCOMPLETE;
  return done([...bytes.subarray(2, 2 + count)], 2 + count);
}

/** RFC 1928 section 3: VER METHOD. */
export function decodeMethodChoice(bytes: Uint8Array): Decoded<number> {
  const [version, method] = bytes;
  if (version !== undefined && version !== SOCKS_VERSION)
    return wrongVersion(SOCKS_VERSION, version);
  return method === undefined ? INCOMPLETE : done(method, 2);
}

/** RFC 1929 section 2: VER ULEN UNAME PLEN PASSWD. */
export function decodeCredentials(bytes: Uint8Array): Decoded<SocksCredentials> {
  const [version, usernameLength] = bytes;
  if (version !== undefined && version !== AUTH_VERSION) return wrongVersion(AUTH_VERSION, version);
  if (usernameLength === undefined) return INCOMPLETE;
  const passwordLength = bytes[2 + usernameLength];
  if (passwordLength === undefined) return INCOMPLETE;
  const length = 3 + usernameLength + passwordLength;
  if (bytes.length < length) return INCOMPLETE;
  const username = latin1(bytes.subarray(2, 2 + usernameLength));
  const password = latin1(bytes.subarray(3 + usernameLength, length));
  return done({ username, password }, length);
}

/** RFC 1929 section 2: VER STATUS; 0 is success. */
export function decodeAuthStatus(bytes: Uint8Array): Decoded<number> {
  const [version, status] = bytes;
  if (version !== undefined && version !== AUTH_VERSION) return wrongVersion(AUTH_VERSION, version);
  return status === undefined ? INCOMPLETE : done(status, 2);
}

/** RFC 1928 section 4: VER CMD RSV ATYP DST.ADDR DST.PORT. */
export function decodeRequest(bytes: Uint8Array): Decoded<SocksRequest> {
  return decodeFramed(bytes, (command, address) => ({ command, address }));
}

/** RFC 1928 section 6: VER REP RSV ATYP BND.ADDR BND.PORT. */
export function decodeReply(bytes: Uint8Array): Decoded<SocksReply> {
  return decodeFramed(bytes, (code, bound) => ({ code, bound }));
}

/** RFC 1928 section 7: RSV RSV FRAG ATYP DST.ADDR DST.PORT DATA; undefined when it is none. */
export function decodeDatagram(bytes: Uint8Array): SocksDatagram | undefined {
  const fragment = bytes[2];
  if (fragment === undefined) return undefined;
  const address = decodeAddress(bytes, 3);
  if (address.kind !== "done") return undefined;
  return { fragment, address: address.value, payload: bytes.subarray(address.length) };
}

function decodeFramed<T>(
  bytes: Uint8Array,
  build: (code: number, address: SocksAddress) => T,
): Decoded<T> {
  const [version, code] = bytes;
  if (version !== undefined && version !== SOCKS_VERSION)
    return wrongVersion(SOCKS_VERSION, version);
  if (code === undefined) return INCOMPLETE;
  const address = decodeAddress(bytes, 3);
  return address.kind === "done" ? done(build(code, address.value), address.length) : address;
}

/** RFC 1928 section 5: ATYP 1 IPv4, 3 domain name, 4 IPv6. `length` counts from the start of `bytes`. */
function decodeAddress(bytes: Uint8Array, at: number): Decoded<SocksAddress> {
  const [type, nameLength] = bytes.subarray(at, at + 2);
  if (type === undefined) return INCOMPLETE;
  if (type !== 1 && type !== 3 && type !== 4) {
    return malformed("address-type", `address type must be 1, 3 or 4: got ${type}`);
  }
  if (type === 3 && nameLength === undefined) return INCOMPLETE;
  const start = type === 3 ? at + 2 : at + 1;
  const end = start + (type === 1 ? 4 : type === 4 ? 16 : (nameLength ?? 0));
  const [high, low] = bytes.subarray(end, end + 2);
  if (high === undefined || low === undefined) return INCOMPLETE;
  const port = (high << 8) | low;
  const host = bytes.subarray(start, end);
  if (type !== 3) return done({ kind: "ip", host: addressText(host), port }, end + 2);
  if (host.length === 0) return malformed("content", "domain name must not be empty");
  return done({ kind: "name", host: latin1(host), port }, end + 2);
}

function done<T>(value: T, length: number): Decoded<T> {
  return { kind: "done", value, length };
}

function malformed(problem: Problem, message: string): Decoded<never> {
  return { kind: "malformed", problem, message };
}

function wrongVersion(want: number, seen: number): Decoded<never> {
  return malformed("version", `version must be ${want}: got ${seen}`);
}

/** One character a byte, so that nothing is lost whatever the client sends. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
