/** The vocabulary of RFC 1928 (SOCKS version 5) and RFC 1929 (username/password). */

export const SOCKS_VERSION = 5;
export const AUTH_VERSION = 1;

export const METHOD = { none: 0, usernamePassword: 2, unacceptable: 0xff } as const;

/** RFC 1928 section 4, CMD. */
export const COMMAND = { connect: 1, bind: 2, udpAssociate: 3 } as const;

/** RFC 1928 section 6, REP. */
export const REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

export type ReplyCode = (typeof REPLY)[keyof typeof REPLY];

/** `host` is an IP address in canonical text, or a domain name. */
export interface SocksAddress {
  readonly kind: "ip" | "name";
  readonly host: string;
  readonly port: number;
}

export interface SocksRequest {
  readonly command: number;
  readonly address: SocksAddress;
}

export interface SocksCredentials {
  readonly username: string;
  readonly password: string;
}

export interface SocksReply {
  readonly code: number;
  readonly bound: SocksAddress;
}

export interface SocksDatagram {
  /** RFC 1928 section 7: 0 stands alone; anything else may be dropped, and is. */
  readonly fragment: number;
  readonly address: SocksAddress;
  readonly payload: Uint8Array;
}

/** What a decoder made of the bytes so far. */
export type Decoded<T> =
  | { readonly kind: "incomplete" }
  | { readonly kind: "done"; readonly value: T; readonly length: number }
  | { readonly kind: "malformed"; readonly problem: Problem; readonly message: string };

export type Problem = "version" | "address-type" | "content";
