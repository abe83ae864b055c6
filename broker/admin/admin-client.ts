import { request } from "node:http";
import type { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import { hasCode } from "../files/atomic-file.ts";
import { ADMIN_ROUTES, type AdminRoute, failureAnswer } from "./admin-api.ts";

const TIMEOUT_MS = 10_000;
/** Some hundred bytes per member. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Asks the broker behind a socket. Error: none is running there, or it said no and why. */
export async function askBroker<S extends z.ZodType>(
  socketPath: string,
  route: AdminRoute,
  { question, answer }: { readonly question?: unknown; readonly answer: S },
  clock: Clock,
): Promise<Result<z.output<S>, string>> {
  using limit = deadline(clock, TIMEOUT_MS);
  const sent = await send(socketPath, ADMIN_ROUTES[route], question, limit.signal);
  if (!sent.ok) return sent;
  let body: unknown;
  try {
    body = JSON.parse(sent.value.text);
  } catch {
    return err(
      `cannot read the broker's answer: must be JSON: got ${sent.value.text.length} bytes`,
    );
  }
  if (sent.value.status !== 200) {
    const failure = failureAnswer.safeParse(body);
    return err(failure.success ? failure.data.error : `broker answered ${sent.value.status}`);
  }
  const parsed = answer.safeParse(body);
  return parsed.success
    ? ok(parsed.data)
    : err("cannot read the broker's answer: it is of another version of this program");
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(
  socketPath: string,
  route: string,
  question: unknown,
  signal: AbortSignal,
): Promise<Result<Answer, string>> {
  const [method = "", path = ""] = route.split(" ");
  return new Promise((resolve) => {
    const fail = (error: unknown): void => resolve(err(failureText(socketPath, error)));
    const sending = request({ socketPath, method, path, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error("answer is too large"));
      });
      response.on("error", fail);
      response.on("end", () => resolve(ok({ status: response.statusCode ?? 0, text })));
    });
    sending.on("error", fail);
    sending.end(question === undefined ? undefined : JSON.stringify(question));
  });
}

function failureText(socketPath: string, error: unknown): string {
  if (hasCode(error, "ENOENT") || hasCode(error, "ECONNREFUSED")) {
    return `no broker is running behind ${socketPath}: start it, or name its --data-dir or --admin-socket`;
  }
  if (hasCode(error, "EACCES")) {
    return `cannot ask the broker: ${socketPath} is for the user that runs it: run this as that user`;
  }
  return `cannot ask the broker: ${error instanceof Error ? error.message : String(error)}`;
}
