import { get } from "node:http";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";

/** What a process says about itself at `/readyz`. */
export type Health =
  | { readonly kind: "ready" }
  | { readonly kind: "not-ready"; readonly why: string }
  | { readonly kind: "silent" };

/** Asks a health server; never fails: silence is an answer. */
export function askHealth(port: number, clock: Clock, host = "127.0.0.1"): Promise<Health> {
  return new Promise((resolve) => {
    const limit = deadline(clock, 2_000);
    const finish = (health: Health): void => {
      limit[Symbol.dispose]();
      resolve(health);
    };
    const request = get(
      { host, port, path: "/readyz", agent: false, signal: limit.signal },
      (response) => {
        let why = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          why += chunk;
        });
        response.on("end", () =>
          finish(response.statusCode === 200 ? { kind: "ready" } : { kind: "not-ready", why }),
        );
        response.on("error", () => finish({ kind: "silent" }));
      },
    );
    request.on("error", () => finish({ kind: "silent" }));
  });
}
