import { expect, test } from "vitest";
import { Draw } from "../../runtime/random/draw.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { compareResponders } from "./compare-responders.ts";
import { checkFrames, checkPacket, mutate, readCorpus } from "./fuzz-packets.ts";

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
    const draw = new Draw(seededRandom(packet.length));
    for (let count = 0; count < MUTATIONS_PER_PACKET; count++) {
      const mutated = mutate(packet, others, draw);
      const problem = checkPacket(mutated) ?? checkFrames(mutated, draw);
      expect(problem && `${problem}: ${mutated.toString("hex")}`).toBeUndefined();
    }
  },
);
