import { expect, test } from "vitest";
import { AccessList } from "../guard/access-list.ts";
import { RateLimiter } from "../guard/rate-limiter.ts";
import { ServerCookies } from "../guard/server-cookies.ts";
import { messageText, optionTexts, questionText } from "../testing/message-text.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { clientAt, queryPacket, responseTo, testResponder } from "../testing/test-responder.ts";

const WEB = "web.shop.svc.clusterset.local A";
const CLIENT_COOKIE = "2464c4abcf10c957";

test("who is not on the list is refused, and told so", () => {
  const allowed = AccessList.parse("allow", ["10.0.0.0/8"]);
  if (!allowed.ok) throw new Error(allowed.error);
  const { send } = testResponder(SAMPLE_ZONE, { access: allowed.value });
  for (const transport of ["udp", "tcp"] as const) {
    const refused = send(queryPacket(WEB), transport, clientAt("192.0.2.1"));
    expect(messageText(refused)).toEqual(["REFUSED"]);
    expect(optionTexts(refused)).toEqual(["EDE 18 not allowed from this address"]);
    const answered = send(queryPacket(WEB), transport, clientAt("10.1.2.3"));
    expect(messageText(answered)[0]).toBe("NOERROR aa");
  }
});

/** A responder that lets one response per client pass. */
function limited() {
  const limiter = new RateLimiter({ perSecond: 1 });
  return testResponder(SAMPLE_ZONE, {
    limitRate: (address) => limiter.judge(address, 0),
    edns: { cookies: new ServerCookies([Buffer.alloc(16, 7)]) },
  });
}

test("above the limit UDP gets silence, then TC without records; another client is not touched", () => {
  const { responder, send } = limited();
  expect(messageText(send(queryPacket(WEB)))[0]).toBe("NOERROR aa");
  expect(responseTo(responder, queryPacket(WEB))).toBeUndefined();
  const slipped = send(queryPacket(WEB));
  expect(messageText(slipped)).toEqual(["NOERROR tc"]);
  expect(questionText(slipped)).toBe(WEB);
  expect(slipped.length).toBeLessThanOrEqual(queryPacket(WEB).length);
  const other = responseTo(responder, queryPacket(WEB), "udp", clientAt("192.0.2.2"));
  expect(other).toBeDefined();
});

test("TCP is not limited: its clients are where they say", () => {
  const { send } = limited();
  for (let query = 0; query < 10; query++) {
    expect(messageText(send(queryPacket(WEB), "tcp"))[0]).toBe("NOERROR aa");
  }
});

test("RFC 7873, 5.2.3: above the limit a client cookie gets BADCOOKIE with a good one, which lifts the limit", () => {
  const { responder, send } = limited();
  const query = queryPacket(WEB, { ednsBytes: 1232, options: [[10, CLIENT_COOKIE]] });
  send(query);
  expect(responseTo(responder, query)).toBeUndefined();
  const bad = send(query);
  expect(messageText(bad)).toEqual(["BADCOOKIE"]);
  const cookie = optionTexts(bad)[0]?.slice("COOKIE ".length) ?? "";
  const proven = queryPacket(WEB, { ednsBytes: 1232, options: [[10, cookie]] });
  for (let round = 0; round < 10; round++) {
    expect(messageText(send(proven))[0]).toBe("NOERROR aa");
  }
  const stolen = responseTo(responder, proven, "udp", clientAt("192.0.2.9"));
  expect(stolen).toBeDefined();
  expect(responseTo(responder, proven, "udp", clientAt("192.0.2.9"))).toBeUndefined();
});
