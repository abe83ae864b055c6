import { request } from "node:http";
import { SocksClient } from "socks";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** GET as `curl --proxy socks5h://127.0.0.1:PORT URL` does it: the entry resolves the name. One connection per call. */
export async function httpThroughSocks(
  socksPort: number,
  url: URL,
  options: {
    readonly clock: Clock;
    readonly timeoutMs?: number;
    /** @default "127.0.0.1" */
    readonly socksHost?: string;
  },
): Promise<HttpAnswer> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const { socket } = await SocksClient.createConnection({
    proxy: { host: options.socksHost ?? "127.0.0.1", port: socksPort, type: 5 },
    command: "connect",
    destination: { host: url.hostname, port: Number(url.port || "80") },
    timeout: timeoutMs,
  });
  using limit = deadline(options.clock, timeoutMs);
  return new Promise<HttpAnswer>((resolve, reject) => {
    const sent = request(
      url,
      {
        createConnection: () => socket,
        headers: { connection: "close" },
        signal: limit.signal,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}
