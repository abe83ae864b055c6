import { isIP } from "node:net";
import { invariant } from "../../../api/invariant.ts";
import { addressBytes } from "../../../api/network/address-bytes.ts";
import {
  AUTH_VERSION,
  SOCKS_VERSION,
  type SocksAddress,
  type SocksCredentials,
  type SocksReply,
  type SocksRequest,
} from "./socks-message.ts";

export function encodeGreeting(methods: readonly number[]): Uint8Array {
  return Uint8Array.from([SOCKS_VERSION, methods.length, ...methods]);
}

export function encodeMethodChoice(method: number): Uint8Array {
  return Uint8Array.from([SOCKS_VERSION, method]);
}

export function encodeCredentials(credentials: SocksCredentials): Uint8Array {
  const username = latin1(credentials.username);
  const password = latin1(credentials.password);
  return Uint8Array.from([
    AUTH_VERSION,
    username.length,
    ...username,
    password.length,
    ...password,
  ]);
}

export function encodeAuthStatus(status: number): Uint8Array {
  return Uint8Array.from([AUTH_VERSION, status]);
}

export function encodeRequest(request: SocksRequest): Uint8Array {
  return Uint8Array.from([SOCKS_VERSION, request.command, 0, ...encodeAddress(request.address)]);
}

export function encodeReply(reply: SocksReply): Uint8Array {
  return Uint8Array.from([SOCKS_VERSION, reply.code, 0, ...encodeAddress(reply.bound)]);
}

/** A stand-alone datagram (FRAG 0). */
export function encodeDatagram(address: SocksAddress, payload: Uint8Array): Uint8Array {
  const header = [0, 0, 0, ...encodeAddress(address)];
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

function encodeAddress(address: SocksAddress): readonly number[] {
  const port = [address.port >> 8, address.port & 255];
  if (address.kind === "name") {
    const name = latin1(address.host);
    return [3, name.length, ...name, ...port];
  }
  const { host } = address;
  invariant(isIP(host) !== 0, "a SOCKS address of kind ip holds an IP address", { host });
  const bytes = addressBytes(host);
  return [bytes.length === 4 ? 1 : 4, ...bytes, ...port];
}

function latin1(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  invariant(bytes.length <= 255, "a SOCKS string has at most 255 bytes", { length: bytes.length });
  return bytes;
}
