import { err, ok, type Result } from "../../../api/result.ts";
import type { PodIdentity } from "./pod-identity.ts";

export interface HttpQuestion {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  readonly host: string | undefined;
  readonly accept: string | undefined;
  /** The caller's cluster address; undefined when it did not come through the member's network. */
  readonly clientIp: string | undefined;
  readonly port: number;
}

/** What to answer; the shell waits `delayMs` first. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly delayMs: number;
  readonly body:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "fill"; readonly sizeBytes: number };
}

const MAX_DELAY_MS = 60_000;
const MAX_BYTES = 1 << 30;

/** `/healthz`, `/slow?ms=`, `/bytes?n=`; every other path tells who answered. */
export function answerHttp(question: HttpQuestion, identity: PodIdentity): HttpAnswer {
  const url = parseTarget(question.target);
  if (url === undefined) return text(400, `cannot read request target: got ${question.target}\n`);
  switch (url.pathname) {
    case "/healthz":
      return text(200, "ok\n");
    case "/slow": {
      const delay = parseCount("ms", url.searchParams.get("ms"), MAX_DELAY_MS);
      return delay.ok ? describe(question, url, identity, delay.value) : text(400, delay.error);
    }
    case "/bytes": {
      const size = parseCount("n", url.searchParams.get("n"), MAX_BYTES);
      if (!size.ok) return text(400, size.error);
      const body = { kind: "fill", sizeBytes: size.value } as const;
      return { status: 200, contentType: "application/octet-stream", delayMs: 0, body };
    }
    default:
      return describe(question, url, identity, 0);
  }
}

function describe(
  question: HttpQuestion,
  url: URL,
  identity: PodIdentity,
  delayMs: number,
): HttpAnswer {
  const facts = {
    ...identity,
    port: question.port,
    client: question.clientIp ?? "unknown",
    method: question.method,
    host: question.host ?? "",
    path: url.pathname,
  };
  if (wantsPlainText(question.accept)) {
    const lines = Object.entries(facts).map(([name, value]) => `${name}: ${value}\n`);
    return { ...text(200, lines.join("")), delayMs };
  }
  const body = { kind: "text", text: `${JSON.stringify(facts)}\n` } as const;
  return { status: 200, contentType: "application/json", delayMs, body };
}

function wantsPlainText(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes("text/plain") && !accept.includes("json");
}

function text(status: number, body: string): HttpAnswer {
  const contentType = "text/plain; charset=utf-8";
  return { status, contentType, delayMs: 0, body: { kind: "text", text: body } };
}

function parseTarget(target: string): URL | undefined {
  return URL.parse(target, "http://pod/") ?? undefined;
}

function parseCount(name: string, seen: string | null, max: number): Result<number, string> {
  if (seen !== null && /^\d{1,10}$/.test(seen) && Number(seen) <= max) return ok(Number(seen));
  return err(
    `cannot read parameter ${name}: must be a number up to ${max}: got ${seen ?? "none"}\n`,
  );
}
