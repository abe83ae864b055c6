import { request } from "node:http";
import type { Duplex } from "node:stream";
import { err, ok, type Result } from "../../api/result.ts";
import type { ConnectionFact } from "./connection-fact.ts";
import { PACKET_TEST_PATH, readPacketTestAnswer } from "./packet-test-answer.ts";

/** Some tens of lines. */
const ANSWER_MAX = 256 * 1024;

/** Asks who listens at the other end of a stream; an error says why nothing was tested. */
export async function askPacketTest(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  stream: Duplex,
  signal: AbortSignal,
): Promise<Result<readonly ConnectionFact[], string>> {
  const path = `${PACKET_TEST_PATH}?${new URLSearchParams({ namespace, name }).toString()}`;
  const text = await exchange(path, stream, signal);
  if (!text.ok) return text;
  const answer = readPacketTestAnswer(text.value);
  if (answer === undefined) return err("the answer to the packet test cannot be read");
  return "error" in answer ? err(answer.error) : ok(answer.connections);
}

function exchange(
  path: string,
  stream: Duplex,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  return new Promise((resolve) => {
    const fail = (error: Error): void =>
      resolve(err(signal.aborted ? "no answer to the packet test in time" : error.message));
    const options = { path, signal, host: "localhost", createConnection: () => stream };
    const sending = request(options, (response) => {
      // BOUNDED: by ANSWER_MAX.
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX) response.destroy(new Error("the answer is too large"));
      });
      response.once("end", () => resolve(ok(text)));
      response.once("error", fail);
    });
    sending.on("error", fail);
    sending.end();
  });
}
