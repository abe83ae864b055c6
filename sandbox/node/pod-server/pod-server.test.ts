import { describe, expect, test } from "vitest";
import { answerHttp, type HttpQuestion } from "./answer-http.ts";
import { sniffHttp } from "./sniff-http.ts";

const IDENTITY = {
  cluster: "east",
  node: "node-1",
  namespace: "shop",
  pod: "web-1",
  podIp: "10.1.0.5",
};

function ask(target: string, more: Partial<HttpQuestion> = {}): ReturnType<typeof answerHttp> {
  const question = {
    method: "GET",
    target,
    host: "web.shop",
    accept: undefined,
    clientIp: "10.1.0.250",
    port: 8080,
    ...more,
  };
  return answerHttp(question, IDENTITY);
}

describe("sniffing", () => {
  test.each([
    ["", "undecided"],
    ["G", "undecided"],
    ["GET", "undecided"],
    ["GET ", "http"],
    ["GETX", "other"],
    ["OPTIONS", "undecided"],
    ["OPTIONS * HTTP/1.1", "http"],
    ["PO", "undecided"],
    ["POP3", "other"],
    ["get /", "other"],
    ["hello", "other"],
    ["\u0016\u0003\u0001", "other"],
  ])("%j is %s", (bytes, want) => {
    expect(sniffHttp(Buffer.from(bytes, "latin1"))).toBe(want);
  });
});

describe("answers", () => {
  test("any path says who answered, to whom, as JSON", () => {
    const { status, contentType, body } = ask("/a/b?x=1");
    expect([status, contentType]).toEqual([200, "application/json"]);
    expect(JSON.parse(body.kind === "text" ? body.text : "")).toEqual({
      ...IDENTITY,
      port: 8080,
      client: "10.1.0.250",
      method: "GET",
      host: "web.shop",
      path: "/a/b",
    });
  });

  test("or as text for those who ask for it", () => {
    const { contentType, body } = ask("/", { accept: "text/plain" });
    expect(contentType).toContain("text/plain");
    expect(body.kind === "text" && body.text).toContain("pod: web-1\n");
  });

  test("a caller from outside the member's network is unknown", () => {
    const { body } = ask("/", { clientIp: undefined });
    expect(body.kind === "text" && body.text).toContain('"client":"unknown"');
  });

  test.each<[string, object]>([
    ["/healthz", { status: 200, body: { kind: "text", text: "ok\n" } }],
    ["/slow?ms=30", { status: 200, delayMs: 30 }],
    ["/bytes?n=70000", { status: 200, body: { kind: "fill", sizeBytes: 70_000 } }],
    ["/bytes?n=0", { status: 200, body: { kind: "fill", sizeBytes: 0 } }],
    ["/slow", { status: 400 }],
    ["/slow?ms=60001", { status: 400 }],
    ["/slow?ms=-1", { status: 400 }],
    ["/bytes?n=1e9", { status: 400 }],
    ["/bytes?n=9999999999", { status: 400 }],
    ["http://", { status: 400 }],
  ])("%s", (target, want) => {
    expect(ask(target)).toMatchObject(want);
  });
});
