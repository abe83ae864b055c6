import { runInRoom, whyNoRoom } from "../../sandbox/network/netns/enter-room.ts";

/**
 * `npm run test:net`: tests with real packets between network namespaces, in a room of their own: the machine's network is not
 * touched. They need root; without it they fail, they are not skipped. Arguments go to vitest (`npm run test:net -- underlay`).
 */
const PROGRAMS = [
  ...["nft", "tc", "ping", "setpriv", "iperf3", "wg", "wireguard-go"],
  ...["bash", "curl", "psql", "redis-server", "redis-cli", "redis-benchmark", "unbound", "dig"],
];

const problem = whyNoRoom(PROGRAMS, process.env["PATH"]);
if (problem === undefined) {
  const argv = [process.execPath, "test/run.ts", "--project", "net", ...process.argv.slice(2)];
  process.exitCode = await runInRoom(argv, process.env);
} else {
  process.stderr.write(`test:net cannot run: ${problem}\n`);
  process.stdout.write("0 passed, 1 failed\n");
  process.exitCode = 1;
}
