import { decode } from "dns-packet";
import { messageText } from "../../dns-server/testing/message-text.ts";
import { queryPacket, testResponder, zoneOf } from "../../dns-server/testing/test-responder.ts";
import { Draw } from "../../runtime/random/draw.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { NaiveResponder } from "./naive-responder.ts";
import { randomClusterset } from "./random-clusterset.ts";

const SERIAL = 7;
const TYPES = ["A", "A", "AAAA", "SRV", "SRV", "ANY", "TXT", "NS", "SOA", "MX", "PTR"] as const;
const OTHER_LABELS = ["x", "_http", "_tcp", "east", "db-0", "svc", "a"] as const;
export const QUESTIONS_PER_ZONE = 40;

/**
 * One zone drawn by `seed`, and as many questions about it: the server must say what the naive one says.
 * Gives the first difference, for people; undefined when there is none.
 */
export function compareResponders(seed: number): string | undefined {
  const draw = new Draw(seededRandom(seed));
  const clusterset = randomClusterset(draw);
  const naive = new NaiveResponder(clusterset, SERIAL);
  // A small cache: what was asked before is found, evicted and compiled anew.
  const { send } = testResponder(zoneOf(clusterset), {
    cacheLimits: { entriesMax: 16, bytesMax: 50_000 },
  });
  const names = naive.names;
  for (let count = 0; count < QUESTIONS_PER_ZONE; count++) {
    const name = randomCase(randomName(names, draw), draw);
    const question = `${name} ${draw.one(TYPES)}`;
    const ednsBytes = draw.oneIn(4) ? undefined : draw.one([512, 1232, 4096]);
    const draft = { id: draw.below(65_536), flags: draw.oneIn(2) ? 0x100 : 0 };
    const packet = queryPacket(question, {
      ...draft,
      ...(ednsBytes !== undefined && { ednsBytes }),
    });
    const expected = sorted(naive.respond(packet));
    const whole = sorted(send(packet, "tcp"));
    const difference = compare(expected, whole) ?? compareCut(whole, send(packet, "udp"));
    if (difference !== undefined) return `seed ${seed}: ${question}: ${difference}`;
  }
  return undefined;
}

function compare(expected: readonly string[], got: readonly string[]): string | undefined {
  if (expected.join("\n") === got.join("\n")) return undefined;
  return `expected\n${expected.join("\n")}\ngot\n${got.join("\n")}`;
}

/** What goes by UDP is the whole answer or part of it, and TC tells when a record of the answer itself is missing. */
function compareCut(whole: readonly string[], message: Buffer): string | undefined {
  const cut = sorted(message);
  const strange = cut.slice(1).find((line) => !whole.includes(line));
  if (strange !== undefined) return `by UDP alone: ${strange}`;
  const count = (lines: readonly string[]): number =>
    lines.slice(1).filter((line) => !line.startsWith("+")).length;
  const isCut = decode(message).flag_tc;
  return isCut === count(cut) < count(whole) ? undefined : `TC is ${isCut} of\n${cut.join("\n")}`;
}

/** Code and flags first, then the records in an order of their own: addresses take turns. */
function sorted(message: Buffer): readonly string[] {
  const [status = "", ...records] = messageText(message);
  // Names in the apex's records point into the question, whatever its case.
  const plain = records.map((line) => (/ IN (SOA|NS) /.test(line) ? line.toLowerCase() : line));
  return [status.replace(" tc", ""), ...plain.toSorted()];
}

function randomName(names: readonly string[], draw: Draw): string {
  const name = names[draw.below(names.length)] ?? "";
  switch (draw.below(6)) {
    case 0:
      return `${draw.one(OTHER_LABELS)}.${name}`;
    case 1:
      return name.slice(name.indexOf(".") + 1);
    case 2:
      return name.replace(/^[^.]+/, draw.one(OTHER_LABELS));
    default:
      return name;
  }
}

function randomCase(name: string, draw: Draw): string {
  if (draw.oneIn(2)) return name;
  return name.replaceAll(/[a-z]/g, (letter) => (draw.oneIn(2) ? letter.toUpperCase() : letter));
}
