import { describe, expect, test } from "vitest";
import { messageText, questionText } from "../testing/message-text.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { queryPacket, testResponder } from "../testing/test-responder.ts";

const Z = "svc.clusterset.local";
const SOA =
  "; clusterset.local 5 IN SOA ns.dns.clusterset.local hostmaster.clusterset.local <serial> 7200 1800 86400 5";
const NODATA = ["NOERROR aa", SOA];
const NXDOMAIN = ["NXDOMAIN aa", SOA];

interface Row {
  readonly rule: string;
  readonly question: string;
  readonly want: readonly string[];
}

const ROWS: readonly Row[] = [
  // ClusterSetIP
  {
    rule: "DNS-10",
    question: `web.shop.${Z} A`,
    want: ["NOERROR aa", `web.shop.${Z} 5 IN A 10.96.1.10`],
  },
  { rule: "DNS-10 other family is NODATA", question: `web.shop.${Z} AAAA`, want: NODATA },
  {
    rule: "DNS-10 dual stack",
    question: `dual.shop.${Z} AAAA`,
    want: ["NOERROR aa", `dual.shop.${Z} 5 IN AAAA fd00:96::b`],
  },
  {
    rule: "DNS-11, DNS-13",
    question: `_http._tcp.dual.shop.${Z} SRV`,
    want: [
      "NOERROR aa",
      `_http._tcp.dual.shop.${Z} 5 IN SRV 0 100 80 dual.shop.${Z}`,
      `+ dual.shop.${Z} 5 IN A 10.96.1.11`,
      `+ dual.shop.${Z} 5 IN AAAA fd00:96::b`,
    ],
  },
  { rule: "DNS-11 wrong protocol", question: `_http._udp.web.shop.${Z} SRV`, want: NXDOMAIN },
  { rule: "DNS-11 unknown port", question: `_nope._tcp.web.shop.${Z} SRV`, want: NXDOMAIN },
  {
    rule: "DNS-11 underscores are part of the name",
    question: `http.tcp.web.shop.${Z} SRV`,
    want: NXDOMAIN,
  },
  { rule: "DNS-11 port names have only SRV", question: `_http._tcp.web.shop.${Z} A`, want: NODATA },
  { rule: "DNS-12", question: `plain.shop.${Z} SRV`, want: NODATA },
  {
    rule: "DNS-14, C-23: once per target and number",
    question: `multi.shop.${Z} SRV`,
    want: [
      "NOERROR aa",
      `multi.shop.${Z} 5 IN SRV 0 33 42 multi.shop.${Z}`,
      `multi.shop.${Z} 5 IN SRV 0 33 43 multi.shop.${Z}`,
      `+ multi.shop.${Z} 5 IN A 10.96.1.13`,
    ],
  },
  {
    rule: "DNS-10 without ports",
    question: `noports.shop.${Z} A`,
    want: ["NOERROR aa", `noports.shop.${Z} 5 IN A 10.96.1.14`],
  },
  { rule: "DNS-16", question: `noip.shop.${Z} A`, want: NODATA },
  {
    rule: "DNS-16 no target to send clients to",
    question: `_http._tcp.noip.shop.${Z} SRV`,
    want: NODATA,
  },
  { rule: "DNS-34", question: `web-0.east.web.shop.${Z} A`, want: NXDOMAIN },
  // Headless
  {
    rule: "DNS-20, HDL-02: ready endpoints of all clusters",
    question: `db.shop.${Z} A`,
    want: [
      "NOERROR aa",
      `db.shop.${Z} 5 IN A 10.1.1.1`,
      `db.shop.${Z} 5 IN A 10.1.1.2`,
      `db.shop.${Z} 5 IN A 10.2.1.1`,
    ],
  },
  {
    rule: "HDL-03, HDL-05",
    question: `db-0.east.db.shop.${Z} A`,
    want: ["NOERROR aa", `db-0.east.db.shop.${Z} 5 IN A 10.1.1.1`],
  },
  {
    rule: "HDL-05",
    question: `db-0.west.db.shop.${Z} A`,
    want: ["NOERROR aa", `db-0.west.db.shop.${Z} 5 IN A 10.2.1.1`],
  },
  { rule: "EPS-17 not ready", question: `db-1.west.db.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-33 no hostname without a cluster", question: `db-0.db.shop.${Z} A`, want: NXDOMAIN },
  {
    rule: "DNS-23, DNS-24: the slice's port",
    question: `_pg._tcp.db.shop.${Z} SRV`,
    want: [
      "NOERROR aa",
      `_pg._tcp.db.shop.${Z} 5 IN SRV 0 33 5432 db-0.east.db.shop.${Z}`,
      `_pg._tcp.db.shop.${Z} 5 IN SRV 0 33 5432 db-1.east.db.shop.${Z}`,
      `_pg._tcp.db.shop.${Z} 5 IN SRV 0 33 15432 db-0.west.db.shop.${Z}`,
      `+ db-0.east.db.shop.${Z} 5 IN A 10.1.1.1`,
      `+ db-1.east.db.shop.${Z} 5 IN A 10.1.1.2`,
      `+ db-0.west.db.shop.${Z} 5 IN A 10.2.1.1`,
    ],
  },
  {
    rule: "DNS-25, HDL-06, HDL-07, C-27: one per address",
    question: `pods.shop.${Z} SRV`,
    want: [
      "NOERROR aa",
      `pods.shop.${Z} 5 IN SRV 0 33 8080 10-1-2-1.east.pods.shop.${Z}`,
      `pods.shop.${Z} 5 IN SRV 0 33 8080 fd00-1-2--0.east.pods.shop.${Z}`,
      `pods.shop.${Z} 5 IN SRV 0 33 8080 0--5.east.pods.shop.${Z}`,
      `+ 10-1-2-1.east.pods.shop.${Z} 5 IN A 10.1.2.1`,
      `+ fd00-1-2--0.east.pods.shop.${Z} 5 IN AAAA fd00:1:2::`,
      `+ 0--5.east.pods.shop.${Z} 5 IN AAAA ::5`,
    ],
  },
  { rule: "DNS-22", question: `empty.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-22 none ready", question: `notready.shop.${Z} SRV`, want: NXDOMAIN },
  {
    rule: "HDL-09",
    question: `portless.shop.${Z} A`,
    want: ["NOERROR aa", `portless.shop.${Z} 5 IN A 10.1.4.1`],
  },
  { rule: "HDL-09 no SRV", question: `portless.shop.${Z} SRV`, want: NODATA },
  {
    rule: "DNS-26, C-25",
    question: `twin.shop.${Z} A`,
    want: ["NOERROR aa", `twin.shop.${Z} 5 IN A 10.1.6.1`],
  },
  {
    rule: "DNS-27: one target for both families",
    question: `_a._tcp.twin.shop.${Z} SRV`,
    want: [
      "NOERROR aa",
      `_a._tcp.twin.shop.${Z} 5 IN SRV 0 50 80 h.east.twin.shop.${Z}`,
      `+ h.east.twin.shop.${Z} 5 IN A 10.1.6.1`,
      `+ h.east.twin.shop.${Z} 5 IN AAAA fd00::6`,
    ],
  },
  // Reserved and unknown
  {
    rule: "DNS-30, DNS-43: no record, yet children",
    question: `east.db.shop.${Z} A`,
    want: NODATA,
  },
  { rule: "DNS-30 other cluster", question: `north.db.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-30 ClusterSetIP", question: `east.web.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-30 with a port", question: `_pg._tcp.east.db.shop.${Z} SRV`, want: NXDOMAIN },
  { rule: "DNS-43", question: `_tcp.web.shop.${Z} SRV`, want: NODATA },
  { rule: "DNS-43 no child", question: `_udp.web.shop.${Z} SRV`, want: NXDOMAIN },
  { rule: "DNS-31 not imported", question: `missing.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-31 namespace not here", question: `web.hidden.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-31", question: `hidden.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-33 pods", question: "1-2-3-4.shop.pod.clusterset.local A", want: NXDOMAIN },
  { rule: "DNS-33 wildcard", question: `*.shop.${Z} A`, want: NXDOMAIN },
  { rule: "too many labels", question: `a.b.c.web.shop.${Z} A`, want: NXDOMAIN },
  // Answered in the same turn, as everything here: nobody is asked, so that a pod's walk over its search list is short.
  { rule: "DNS-49 search list", question: `web.shop.${Z}.shop.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-49 search list", question: `web.shop.${Z}.${Z} A`, want: NXDOMAIN },
  { rule: "DNS-49 search list", question: `web.shop.${Z}.clusterset.local A`, want: NXDOMAIN },
  // The zone itself
  { rule: "7.5 apex", question: "clusterset.local A", want: NODATA },
  { rule: "7.5 svc", question: `${Z} A`, want: NODATA },
  { rule: "7.5 namespace", question: `shop.${Z} A`, want: NODATA },
  { rule: "7.5 namespace without imports", question: `bare.${Z} SRV`, want: NODATA },
  { rule: "7.5 SOA", question: "clusterset.local SOA", want: ["NOERROR aa", SOA.slice(2)] },
  {
    rule: "7.5 NS",
    question: "clusterset.local NS",
    want: [
      "NOERROR aa",
      "clusterset.local 5 IN NS ns.dns.clusterset.local",
      "+ ns.dns.clusterset.local 5 IN A 10.96.0.10",
    ],
  },
  {
    rule: "the name server",
    question: "ns.dns.clusterset.local A",
    want: ["NOERROR aa", "ns.dns.clusterset.local 5 IN A 10.96.0.10"],
  },
  { rule: "RFC 8020", question: "dns.clusterset.local A", want: NODATA },
  {
    rule: "DNS-03",
    question: "dns-version.clusterset.local TXT",
    want: ["NOERROR aa", 'dns-version.clusterset.local 28800 IN TXT ["1.0.0"]'],
  },
  { rule: "unknown name", question: "foo.clusterset.local A", want: NXDOMAIN },
  // Types
  { rule: "7.5 other type", question: `web.shop.${Z} MX`, want: NODATA },
  {
    rule: "RFC 8482",
    question: `dual.shop.${Z} ANY`,
    want: ["NOERROR aa", `dual.shop.${Z} 5 IN A 10.96.1.11`],
  },
  {
    rule: "RFC 8482 at the apex",
    question: "clusterset.local ANY",
    want: ["NOERROR aa", SOA.slice(2)],
  },
  { rule: "RFC 8482 without records", question: `shop.${Z} ANY`, want: NODATA },
  { rule: "DNS-48", question: "clusterset.local AXFR", want: ["REFUSED"] },
  { rule: "DNS-48 incremental", question: "clusterset.local IXFR", want: ["REFUSED"] },
  // Elsewhere
  { rule: "7.5 other zone", question: "example.com A", want: ["REFUSED"] },
  {
    rule: "7.5 a zone is labels, not letters",
    question: "notclusterset.local A",
    want: ["REFUSED"],
  },
  { rule: "7.5 above the zone", question: "local A", want: ["REFUSED"] },
  { rule: "7.5 root", question: ". NS", want: ["REFUSED"] },
  { rule: "DNS-32", question: "10.1.96.10.in-addr.arpa PTR", want: ["REFUSED"] },
];

const { ask, send } = testResponder(SAMPLE_ZONE, { settings: { nsAddresses: ["10.96.0.10"] } });

describe("answers", () => {
  test.each(ROWS)("$rule: $question", ({ question, want }) => {
    // Rotation is tested below: here the first answer of a fresh responder counts.
    const fresh = testResponder(SAMPLE_ZONE, { settings: { nsAddresses: ["10.96.0.10"] } });
    expect(fresh.ask(question)).toEqual(want);
  });

  test("DNS-04: the question's case comes back in owners, targets stay lower case", () => {
    const response = send(queryPacket(`_HtTp._TCP.WEB.shop.SVC.ClusterSet.LOCAL SRV`));
    expect(questionText(response)).toBe("_HtTp._TCP.WEB.shop.SVC.ClusterSet.LOCAL SRV");
    expect(messageText(response)).toEqual([
      "NOERROR aa",
      `_HtTp._TCP.WEB.shop.SVC.ClusterSet.LOCAL 5 IN SRV 0 100 80 web.shop.${Z}`,
      `+ web.shop.${Z} 5 IN A 10.96.1.10`,
    ]);
    // The first record's target is the name in question itself.
    expect(messageText(send(queryPacket(`WEB.shop.${Z} SRV`)))).toEqual([
      "NOERROR aa",
      `WEB.shop.${Z} 5 IN SRV 0 50 80 web.shop.${Z}`,
      `WEB.shop.${Z} 5 IN SRV 0 50 443 web.shop.${Z}`,
      `+ web.shop.${Z} 5 IN A 10.96.1.10`,
    ]);
    expect(messageText(send(queryPacket(`x.SHOP.${Z} A`)))[0]).toBe("NXDOMAIN aa");
  });

  test("DNS-42: SERVFAIL before the first zone, for names of the zone only", () => {
    const early = testResponder(undefined);
    expect(early.ask(`web.shop.${Z} A`)).toEqual(["SERVFAIL"]);
    expect(early.ask("example.com A")).toEqual(["REFUSED"]);
    expect(early.ask("clusterset.local AXFR")).toEqual(["REFUSED"]);
  });

  test("a label that holds a dot is not two labels", () => {
    const packet = queryPacket(`db-0.east.db.shop.${Z} A`);
    // One label "db-0.east" of nine bytes: the length byte of "east" becomes the dot.
    packet[12] = 9;
    packet[17] = 0x2e;
    expect(messageText(send(packet))).toEqual(NXDOMAIN);
  });

  test("DNS-50: addresses take turns, each answer holds all of them", () => {
    const answers = [1, 2, 3, 4].map(() => ask(`db.shop.${Z} A`).slice(1));
    expect(new Set(answers.map(([first]) => first)).size).toBe(3);
    for (const answer of answers) expect(answer.toSorted()).toEqual(answers[0]?.toSorted());
  });
});
