import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { describeBrokerLink, type LinkWorld } from "../link-compliance.ts";
import { MemoryBroker } from "./memory-broker.ts";

const BOUND_MS = 60_000;

describeBrokerLink("memory", () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ latencyMs: () => 1 }, { clock, random: seededRandom(7) });
  const stop = new AbortController();
  const world: LinkWorld = {
    link: (cluster) => {
      const own = new AbortController();
      const link = broker.link(testCluster(cluster));
      link.start(AbortSignal.any([own.signal, stop.signal]));
      return Promise.resolve(Object.assign(link, { stop: () => own.abort() }));
    },
    stopBroker: () => Promise.resolve(broker.stop()),
    startBroker: () => Promise.resolve(broker.start()),
    until: async (condition) => {
      for (let waited = 0; !condition(); waited += 10) {
        if (waited > BOUND_MS) throw new Error(`not within ${BOUND_MS} ms`);
        await clock.advance(10);
      }
    },
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return Promise.resolve(broker.stop());
    },
  };
  return Promise.resolve(world);
});
