/** What a DNS server said to one question; that it said nothing is a fact too. */
export type DnsFact =
  | { readonly kind: "silent"; readonly server: string; readonly why: string }
  | {
      readonly kind: "answered";
      readonly server: string;
      readonly type: "A" | "AAAA";
      readonly rcode: string;
      readonly addresses: readonly string[];
      /** The server's own words (RFC 8914). */
      readonly extended?: string;
    };
