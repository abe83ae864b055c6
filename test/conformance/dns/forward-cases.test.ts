import { readdirSync, readFileSync } from "node:fs";
import { decode, encode, type Packet } from "dns-packet";
import { describe, expect, test } from "vitest";
import { type Client, NOTHING_NOW } from "../../../dns-server/answer/client.ts";
import { CachingForwarder } from "../../../dns-server/forward/caching-forwarder.ts";
import type { Asked } from "../../../dns-server/forward/forwarder.ts";
import { testResponder, zoneOf } from "../../../dns-server/testing/test-responder.ts";
import { MESSAGE_BYTES_MAX } from "../../../dns-server/wire/dns-numbers.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { answerText } from "./answer-text.ts";
import { readQuestion } from "./question-text.ts";

// What needs time: steps of one case after another, each `= title` with a server of its own.

const FOLDERS = ["rfc8767", "rfc9520"];
const RCODES: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

interface Step {
  readonly verb: string;
  readonly rest: string;
  /** Lines that follow a question. */
  readonly answer: string[];
}

/**
 * Verbs: `set stale <seconds>`, `upstream silent`, `upstream <code> [<TTL of its SOA>]`, `upstream <address> <TTL>`, `after <ms>`,
 * `? <question>` and its answer, `asked <how often>`.
 */
function readSteps(text: string): readonly { title: string; steps: Step[] }[] {
  const cases: { title: string; steps: Step[] }[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith(";")) continue;
    const [, verb = "", rest = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    const steps = cases.at(-1)?.steps;
    if (verb === "=") cases.push({ title: rest, steps: [] });
    else if (["set", "upstream", "after", "?", "asked"].includes(verb)) {
      steps?.push({ verb, rest, answer: [] });
    } else steps?.at(-1)?.answer.push(line);
  }
  return cases;
}

/** What the upstream says to `query`. */
function say(upstream: string, query: Buffer): Asked {
  const [what = "", ttl] = upstream.split(" ");
  if (what === "silent") return { kind: "failed", response: undefined };
  const { questions = [], additionals = [] } = decode(query);
  const rcode = RCODES[what] ?? 0;
  const name = questions[0]?.name ?? "";
  const packet: Packet = { type: "response", flags: 0x0180 | rcode, questions, additionals };
  if (rcode === 0) packet.answers = [{ name, type: "A", ttl: Number(ttl), data: what }];
  else if (ttl !== undefined) {
    const numbers = { serial: 1, refresh: 2, retry: 3, expire: 4, minimum: Number(ttl) };
    const data = { mname: "ns.example", rname: "hostmaster.example", ...numbers };
    packet.authorities = [{ name: "example", type: "SOA", ttl: Number(ttl), data }];
  }
  const response = encode(packet);
  const isFailure = rcode === RCODES["SERVFAIL"] || rcode === RCODES["REFUSED"];
  return { kind: isFailure ? "failed" : "answered", response };
}

/** A server that forwards, its clock, and what is behind it. */
class Bed {
  readonly clock = new VirtualClock();
  upstream = "silent";
  asked = 0;
  readonly #respond: (packet: Buffer, transport: "udp" | "tcp") => Promise<Buffer>;

  constructor(staleMaxSeconds: number) {
    const forward = new CachingForwarder(
      { ttlMaxSeconds: 3600, staleMaxSeconds },
      {
        clock: this.clock,
        ask: async (query) => {
          this.asked++;
          return say(this.upstream, query);
        },
        onLookup: () => undefined,
        onSize: () => undefined,
      },
    );
    const { responder } = testResponder(zoneOf({}), { forward });
    this.#respond = async (packet, transport) => {
      const into = Buffer.alloc(MESSAGE_BYTES_MAX);
      const later = Promise.withResolvers<Buffer>();
      const client: Client = { address: "10.0.0.1", later: () => later.resolve };
      const bytes = responder.respond(packet, packet.length, transport, into, client);
      return bytes === NOTHING_NOW ? later.promise : into.subarray(0, bytes);
    };
  }

  async ask(text: string): Promise<readonly string[]> {
    const { packet, transport } = readQuestion(text);
    return answerText(await this.#respond(packet, transport));
  }
}

const files = FOLDERS.flatMap((folder) => {
  const root = new URL(`./${folder}/`, import.meta.url);
  return readdirSync(root).map((file) => ({
    name: `${folder}/${file.replace(/\.steps$/, "")}`,
    cases: readSteps(readFileSync(new URL(file, root), "utf8")),
  }));
});

test("each folder has cases, and each case asks and compares", () => {
  expect(new Set(files.map(({ name }) => name.split("/")[0]))).toEqual(new Set(FOLDERS));
  for (const { cases } of files) {
    expect(cases.length).toBeGreaterThan(0);
    for (const { title, steps } of cases) {
      const questions = steps.filter(({ verb }) => verb === "?");
      expect(questions.length, title).toBeGreaterThan(0);
      for (const { answer } of questions) expect(answer.length, title).toBeGreaterThan(0);
    }
  }
});

describe.each(files)("$name", ({ cases }) => {
  test.each(cases)("$title", async ({ steps }) => {
    const stale = steps.find(({ verb }) => verb === "set")?.rest.replace("stale ", "");
    const bed = new Bed(Number(stale ?? 0));
    for (const { verb, rest, answer } of steps) {
      if (verb === "upstream") bed.upstream = rest;
      else if (verb === "after") await bed.clock.advance(Number(rest));
      else if (verb === "asked") expect(bed.asked).toBe(Number(rest));
      else if (verb === "?") expect(await bed.ask(rest)).toEqual(answer);
    }
  });
});
