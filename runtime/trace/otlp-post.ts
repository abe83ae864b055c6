/** Sends a request to a collector. @returns what was wrong; undefined: it has taken it */
export type OtlpPost = (request: object, signal: AbortSignal) => Promise<string | undefined>;

/** @param endpoint base address of a collector, such as http://collector:4318: OTLP over HTTP (opentelemetry.io/docs/specs/otlp), JSON */
export function otlpPost(endpoint: string): OtlpPost {
  const url = `${endpoint.replace(/\/$/, "")}/v1/traces`;
  return async (request, signal) => {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
        signal,
      });
      await answer.body?.cancel();
      return answer.ok ? undefined : `collector answered ${answer.status}`;
    } catch (error) {
      if (!(error instanceof Error)) return "unknown error";
      const { message, cause } = error;
      return cause instanceof Error ? `${message}: ${cause.message}` : message;
    }
  };
}
