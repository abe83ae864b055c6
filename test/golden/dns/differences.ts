export interface Difference {
  /** Rule of the requirements, or RFC, that we follow. */
  readonly rule: string;
  readonly reason: string;
  /** Question, and a line that must be in our answer: code and flags, or a record. */
  readonly questions: Readonly<Record<string, string>>;
}

const Z = "svc.clusterset.local";

/** Every question that we answer otherwise than CoreDNS, and why. The README of dns-server tells the same in words. */
export const DIFFERENCES: readonly Difference[] = [
  {
    rule: "DNS-03",
    reason:
      "the multicluster specification is version 1.0.0; 1.1.0 is the version of the cluster-local one",
    questions: {
      "dns-version.clusterset.local TXT": 'dns-version.clusterset.local 28800 IN TXT ["1.0.0"]',
    },
  },
  {
    rule: "section 7.5, RFC 2308",
    reason: "a name that exists has no records of another type: NODATA, not NXDOMAIN",
    questions: {
      "dns-version.clusterset.local A": "NOERROR aa",
      "clusterset.local TXT": "NOERROR aa",
    },
  },
  {
    rule: "DNS-11",
    reason: "weights are free: a target with two families weighs no less than one with one",
    questions: {
      [`dual.shop.${Z} SRV`]: `dual.shop.${Z} 5 IN SRV 0 100 80 dual.shop.${Z}`,
    },
  },
  {
    rule: "DNS-12, DNS-14",
    reason: "unnamed ports have no SRV, at the bare name neither",
    questions: { [`plain.shop.${Z} SRV`]: "NOERROR aa" },
  },
  {
    rule: "DNS-10",
    reason: "addresses do not depend on ports: an import without ports is there",
    questions: {
      [`noports.shop.${Z} A`]: `noports.shop.${Z} 5 IN A 10.96.1.14`,
      [`noports.shop.${Z} AAAA`]: "NOERROR aa",
      [`noports.shop.${Z} SRV`]: "NOERROR aa",
    },
  },
  {
    rule: "DNS-11, DNS-23",
    reason: "names of ports have SRV only",
    questions: {
      [`_http._tcp.web.shop.${Z} A`]: "NOERROR aa",
      [`_pg._tcp.db.shop.${Z} A`]: "NOERROR aa",
    },
  },
  {
    rule: "DNS-21",
    reason: "names of endpoints have addresses only",
    questions: { [`db-0.east.db.shop.${Z} SRV`]: "NOERROR aa" },
  },
  {
    rule: "DNS-30, DNS-43, RFC 8020",
    reason: "no record, yet names below: NODATA, or a resolver may deny those too",
    questions: {
      [`_tcp.web.shop.${Z} SRV`]: "NOERROR aa",
      [`_tcp.web.shop.${Z} A`]: "NOERROR aa",
      [`east.db.shop.${Z} A`]: "NOERROR aa",
      [`east.db.shop.${Z} SRV`]: "NOERROR aa",
    },
  },
  {
    rule: "DNS-34",
    reason: "endpoints of ClusterSetIP imports have no names",
    questions: { [`10-1-0-1.east.web.shop.${Z} A`]: "NXDOMAIN aa" },
  },
  {
    rule: "DNS-33",
    reason: "there are no pod records, hence no name above them",
    questions: { "pod.clusterset.local A": "NXDOMAIN aa" },
  },
  {
    rule: "RFC 8482",
    reason: "ANY gets one record set of the name",
    questions: {
      [`web.shop.${Z} ANY`]: `web.shop.${Z} 5 IN A 10.96.1.10`,
      [`db.shop.${Z} ANY`]: `db.shop.${Z} 5 IN A 10.1.1.1`,
      "clusterset.local ANY":
        "clusterset.local 5 IN SOA ns.dns.clusterset.local hostmaster.clusterset.local <serial> 7200 1800 86400 5",
    },
  },
  {
    rule: "nsAddresses",
    reason:
      "addresses of the name server are configured, not those of every interface; here none is",
    questions: {
      "clusterset.local NS": "clusterset.local 5 IN NS ns.dns.clusterset.local",
      "ns.dns.clusterset.local A": "NOERROR aa",
    },
  },
  {
    rule: "section 7.5",
    reason: "what is outside of the zone is refused",
    questions: { "example.com A": "REFUSED", "10.1.96.10.in-addr.arpa PTR": "REFUSED" },
  },
];

/** A line of our answer when it differs from CoreDNS's on purpose. */
export function deliberateAnswer(question: string): string | undefined {
  return DIFFERENCES.map(({ questions }) => questions[question]).find((line) => line !== undefined);
}
