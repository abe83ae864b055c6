import { describe, expect, test } from "vitest";
import { DeadlineError } from "../../clock/deadline.ts";
import { fromConnectionError } from "./connection-error.ts";

const SERVER = "https://hub:6443";
const { signal } = new AbortController();

function withCode(code: string, message = "detail"): Error {
  return Object.assign(new Error(message), { code });
}

describe("fromConnectionError", () => {
  test.each([
    { error: withCode("ECONNREFUSED"), want: "connection refused (detail)" },
    { error: withCode("ENOTFOUND"), want: "host name does not resolve (detail)" },
    { error: withCode("EAI_AGAIN"), want: "name server does not answer (detail)" },
    { error: withCode("CERT_HAS_EXPIRED"), want: "server certificate has expired (detail)" },
    {
      error: withCode("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
      want: "server certificate comes from a CA that the kubeconfig does not name (detail)",
    },
    {
      error: withCode("ERR_TLS_CERT_ALTNAME_INVALID"),
      want: "server certificate is for another name (detail)",
    },
    // Several addresses tried: node gives an AggregateError with a code and no message.
    {
      error: Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }),
      want: "connection refused (ECONNREFUSED)",
    },
    { error: withCode("ESURPRISE"), want: "detail" },
    { error: "odd", want: "odd" },
  ])("unavailable: $want", ({ error, want }) => {
    expect(fromConnectionError(error, SERVER, signal)).toEqual({
      kind: "unavailable",
      message: `cannot reach API server ${SERVER}: ${want}`,
    });
  });

  test("a deadline is a timeout, whether thrown or the signal's reason", () => {
    const passed = new DeadlineError("deadline of 30 ms passed");
    const want = {
      kind: "timeout",
      message: `no answer from API server ${SERVER}: deadline of 30 ms passed`,
    };
    expect(fromConnectionError(passed, SERVER, signal)).toEqual(want);
    const aborted = AbortSignal.abort(passed);
    expect(fromConnectionError(withCode("ABORT_ERR"), SERVER, aborted)).toEqual(want);
  });

  test("an abort is an abort, even when the connection broke because of it", () => {
    const error = fromConnectionError(withCode("ECONNRESET"), SERVER, AbortSignal.abort());
    expect(error.kind).toBe("aborted");
  });
});
