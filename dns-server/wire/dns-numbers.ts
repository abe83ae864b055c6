/** Numbers of the DNS protocol that this server uses (IANA "Domain Name System Parameters"). */

export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const CLASS_IN = 1;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended: its upper eight bits travel in OPT (RFC 6891, section 9). */
  BADVERS: 16,
  /** RFC 7873, section 5.2.3. */
  BADCOOKIE: 23,
} as const;

/** Options inside OPT. */
export const OPTION = {
  /** RFC 5001. */
  NSID: 3,
  /** RFC 7873. */
  COOKIE: 10,
  /** edns-tcp-keepalive, RFC 7828. */
  KEEPALIVE: 11,
  /** RFC 8914. */
  EXTENDED_ERROR: 15,
} as const;

/** Bits of the second 16-bit word of the header (RFC 1035, section 4.1.1). */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
} as const;

export const HEADER_BYTES = 12;
/** OPT with no options: root name, type, size, extended code, version, flags, length. */
export const OPT_BYTES = 11;
/** Size of a name on the wire, length bytes and root included (RFC 1035, section 2.3.4). */
export const NAME_BYTES_MAX = 255;
/** What a client takes that sent no OPT (RFC 1035, section 2.3.4). */
export const UDP_BYTES_WITHOUT_EDNS = 512;
/** Largest message a two-byte length can frame (RFC 1035, section 4.2.2). */
export const MESSAGE_BYTES_MAX = 65_535;
