import { describe, expect, test } from "vitest";
import { err } from "../../api/result.ts";
import { ServerCookies } from "../guard/server-cookies.ts";
import { messageText, optionTexts } from "../testing/message-text.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { queryPacket, testResponder } from "../testing/test-responder.ts";
import { EdnsOptions, parseNsid } from "./edns-options.ts";
import { EXTENDED_ERRORS } from "./extended-errors.ts";

const Z = "svc.clusterset.local";
const edns = {
  cookies: new ServerCookies([Buffer.from("e5e973e5a6b2a43f48e7dc849e37bfcf", "hex")]),
  nsid: Buffer.from("pod-1"),
};
const { send } = testResponder(SAMPLE_ZONE, { edns });

type Option = readonly [code: number, data: string];

function ask(question: string, options: readonly Option[], transport: "udp" | "tcp" = "udp") {
  const response = send(queryPacket(question, { ednsBytes: 1232, options }), transport);
  return { text: messageText(response), options: optionTexts(response) };
}

const CLIENT_COOKIE = "2464c4abcf10c957";
const COOKIE = new RegExp(`^COOKIE ${CLIENT_COOKIE}01000000[0-9a-f]{24}$`);

describe("cookies (RFC 7873)", () => {
  test.each([
    { kind: "records", question: `web.shop.${Z} A`, code: "NOERROR aa" },
    { kind: "NXDOMAIN", question: `none.shop.${Z} A`, code: "NXDOMAIN aa" },
    { kind: "NODATA", question: `web.shop.${Z} AAAA`, code: "NOERROR aa" },
    { kind: "REFUSED", question: "example.com A", code: "REFUSED" },
  ])("5.2: an answer with $kind carries one", ({ question, code }) => {
    const got = ask(question, [[10, CLIENT_COOKIE]]);
    expect(got.text[0]).toBe(code);
    expect(got.options[0]).toMatch(COOKIE);
  });

  test("5.2.4: a good one comes back unchanged", () => {
    const [first = ""] = ask(`web.shop.${Z} A`, [[10, CLIENT_COOKIE]]).options;
    const cookie = first.slice("COOKIE ".length);
    expect(ask(`web.shop.${Z} A`, [[10, cookie]]).options).toEqual([first]);
  });

  test("5.2.3: a foreign one is answered all the same, with a right one", () => {
    const got = ask(`web.shop.${Z} A`, [[10, `${CLIENT_COOKIE}0102030405060708`]]);
    expect(got.text[0]).toBe("NOERROR aa");
    expect(got.options[0]).toMatch(COOKIE);
  });

  test.each([0, 7, 9, 15, 41])("5.2.2: %d bytes are no cookie: FORMERR", (bytes) => {
    expect(ask(`web.shop.${Z} A`, [[10, "00".repeat(bytes)]]).text).toEqual(["FORMERR"]);
  });

  test("5.2: of several only the first counts", () => {
    const got = ask(`web.shop.${Z} A`, [
      [10, CLIENT_COOKIE],
      [10, "ffffffffffffffff"],
    ]);
    expect(got.options).toEqual([expect.stringMatching(COOKIE)]);
  });

  test("5.4: without a question the answer is a cookie alone", () => {
    const whole = queryPacket("x A", { ednsBytes: 1232, options: [[10, CLIENT_COOKIE]] });
    const header = Buffer.from(whole.subarray(0, 12));
    header.writeUInt16BE(0, 4);
    const response = send(Buffer.concat([header, whole.subarray(12 + 3 + 4)]));
    expect(messageText(response)).toEqual(["NOERROR"]);
    expect(optionTexts(response)).toEqual([expect.stringMatching(COOKIE)]);
    header.writeUInt16BE(0, 10);
    expect(messageText(send(header))).toEqual(["FORMERR"]);
  });

  test("5.2.1: no cookie, no answer to it", () => {
    expect(ask(`web.shop.${Z} A`, []).options).toEqual([]);
  });
});

test("RFC 5001: NSID for those who ask, no more", () => {
  expect(ask(`web.shop.${Z} A`, [[3, ""]]).options).toEqual(["NSID pod-1"]);
  expect(ask(`no.shop.${Z} A`, [[3, ""]]).options[0]).toEqual("NSID pod-1");
  const without = testResponder(SAMPLE_ZONE);
  const query = queryPacket(`web.shop.${Z} A`, { ednsBytes: 1232, options: [[3, ""]] });
  expect(optionTexts(without.send(query))).toEqual([]);
});

test("RFC 7828, 3.2.2: keepalive by TCP only, in units of 100 ms", () => {
  expect(ask(`web.shop.${Z} A`, [[11, ""]], "tcp").options).toEqual(["KEEPALIVE 100"]);
  expect(ask(`web.shop.${Z} A`, [[11, ""]], "udp").options).toEqual([]);
});

test("RFC 6891: other versions get BADVERS, with the options that were asked for", () => {
  const query = queryPacket(`web.shop.${Z} A`, {
    ednsBytes: 1232,
    ednsVersion: 1,
    options: [[3, ""]],
  });
  const response = send(query);
  expect(messageText(response)).toEqual(["BADVERS"]);
  expect(optionTexts(response)).toEqual(["NSID pod-1"]);
});

describe("extended errors (RFC 8914) say why", () => {
  test.each([
    { question: `web.nowhere.${Z} A`, error: "EDE 0 namespace unknown in this cluster" },
    { question: `web.hidden.${Z} A`, error: "EDE 0 namespace unknown in this cluster" },
    { question: `none.shop.${Z} A`, error: "EDE 0 no service of this name is imported" },
    { question: `notready.shop.${Z} A`, error: "EDE 0 no ready endpoint" },
    { question: `empty.shop.${Z} SRV`, error: "EDE 0 no ready endpoint" },
    {
      question: `db-9.east.db.shop.${Z} A`,
      error: "EDE 0 service has no such port or ready endpoint",
    },
    { question: `noip.shop.${Z} A`, error: "EDE 0 service has no clusterset IP yet" },
    { question: "pod.clusterset.local A", error: "EDE 0 no such name in the zone" },
    { question: "example.com A", error: "EDE 20 no name of this server's zone" },
    { question: "clusterset.local AXFR", error: "EDE 21 no zone transfers" },
  ])("$question: $error", ({ question, error }) => {
    expect(ask(question, []).options).toEqual([error]);
  });

  test("before the first zone", () => {
    const { send } = testResponder(undefined);
    const response = send(queryPacket(`web.shop.${Z} A`));
    expect(messageText(response)).toEqual(["SERVFAIL"]);
    expect(optionTexts(response)).toEqual([
      "EDE 14 not synced: the first zone is still being built",
    ]);
  });

  test.each([`web.shop.${Z} A`, `web.shop.${Z} AAAA`, "clusterset.local SOA"])(
    "nothing is wrong with %s",
    (question) => expect(ask(question, []).options).toEqual([]),
  );

  test("nobody is told who does not speak EDNS", () => {
    const response = send(queryPacket(`none.shop.${Z} A`, {}));
    expect(messageText(response)[0]).toBe("NXDOMAIN aa");
    expect(optionTexts(response)).toEqual([]);
  });

  test("the longest name with every option and an explanation fits 512 bytes", () => {
    const label = "a".repeat(63);
    const name = `${label}.${label}.${label}.${"a".repeat(34)}.shop.${Z}`;
    const nsName = `${"n".repeat(63)}.clusterset.local`;
    const nsid = Buffer.alloc(32, "p");
    const { send } = testResponder(SAMPLE_ZONE, { edns: { ...edns, nsid }, settings: { nsName } });
    const options: Option[] = [
      [10, CLIENT_COOKIE],
      [3, ""],
    ];
    const response = send(queryPacket(`${name} A`, { ednsBytes: 512, options }));
    expect(response.length).toBeLessThanOrEqual(512);
    expect(optionTexts(response)).toHaveLength(3);
  });

  test("an explanation is left out rather than a limit exceeded", () => {
    const options = new EdnsOptions({ tcpIdleMs: 0, nowSeconds: () => 0 });
    const error = EXTENDED_ERRORS.notInZone;
    options.explain(error, error.length - 1);
    expect(options.length).toBe(0);
    options.explain(error, error.length);
    expect(options.length).toBe(error.length);
  });
});

test("options count towards the size that the client takes", () => {
  const many = testResponder(SAMPLE_ZONE, { edns });
  const query = queryPacket(`_http._tcp.pods.shop.${Z} SRV`, {
    ednsBytes: 512,
    options: [
      [10, CLIENT_COOKIE],
      [3, ""],
    ],
  });
  const response = many.send(query);
  expect(response.length).toBeLessThanOrEqual(512);
  expect(messageText(response)[0]).toBe("NOERROR aa");
  expect(optionTexts(response)).toHaveLength(2);
});

test("a name for NSID must fit every answer", () => {
  expect(parseNsid("")).toEqual(err('cannot parse nsid: must be 1 to 32 bytes: got 0 in ""'));
  expect(parseNsid("é".repeat(17))).toMatchObject({ ok: false });
  expect(parseNsid("x".repeat(32))).toMatchObject({ ok: true });
});
