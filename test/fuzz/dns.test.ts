import { expect, test } from "vitest";
import { compareResponders } from "./compare-responders.ts";
import { checkFrames, checkPacket, mutate, readCorpus } from "./fuzz-packets.ts";
import { PseudoRandom } from "./pseudo-random.ts";

const ZONES = 120;
const MUTATIONS_PER_PACKET = 40;

test("the server says what the naive one says, in zones and questions without end", () => {
  for (let seed = 1; seed <= ZONES; seed++) expect(compareResponders(seed)).toBeUndefined();
});

test.each([...readCorpus()])(
  "any change of the packet '%s' leaves parser and framing whole",
  (_, packet) => {
    const others = [...readCorpus().values()];
    expect(checkPacket(packet)).toBeUndefined();
    const random = new PseudoRandom(packet.length);
    for (let count = 0; count < MUTATIONS_PER_PACKET; count++) {
      const mutated = mutate(packet, others, random);
      const problem = checkPacket(mutated) ?? checkFrames(mutated, random);
      expect(problem && `${problem}: ${mutated.toString("hex")}`).toBeUndefined();
    }
  },
);
