import { createSocket } from "node:dgram";
import { type DecodedPacket, decode, encode, type RecordType } from "dns-packet";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";

/** What dns-packet decodes, with the response code that its types leave out. */
export type DnsAnswer = DecodedPacket & { readonly rcode: string };

export interface DnsQuestion {
  /** @default "127.0.0.1" */
  readonly host?: string;
  readonly port: number;
  readonly name: string;
  readonly type: RecordType;
}

/** One real UDP query, over IPv4; undefined when nobody answers within a second. */
export function askDns(question: DnsQuestion, clock: Clock): Promise<DnsAnswer | undefined> {
  const { host = "127.0.0.1", port, name, type } = question;
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const limit = deadline(clock, 1_000);
    const finish = (answer: DnsAnswer | undefined): void => {
      limit[Symbol.dispose]();
      limit.signal.removeEventListener("abort", giveUp);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => finish(undefined);
    limit.signal.addEventListener("abort", giveUp, { once: true });
    socket.once("error", giveUp);
    socket.once("message", (message) => finish(decode(message) as DnsAnswer));
    const query = encode({ type: "query", id: 1, questions: [{ name, type }] });
    socket.send(query, port, host);
  });
}

/** The addresses in an answer, sorted. */
export function addressesIn(answer: DnsAnswer | undefined): readonly string[] {
  return (answer?.answers ?? [])
    .flatMap((record) => (record.type === "A" || record.type === "AAAA" ? [record.data] : []))
    .toSorted();
}
