import { runInRoom, whyNoRoom } from "../../sandbox/network/netns/enter-room.ts";

// `npm run bench:net`: throughput and answers per second between pods of two clusters, path by path. README.md says what is measured.

const problem = whyNoRoom(
  [
    ...["nft", "iperf3", "cc", "setpriv", "wg", "wireguard-go"],
    ...(process.argv.includes("--cards") ? ["ethtool"] : []),
  ],
  process.env["PATH"],
);
if (problem === undefined) {
  const argv = [process.execPath, "bench/net/measure.ts", ...process.argv.slice(2)];
  process.exitCode = await runInRoom(argv, process.env);
} else {
  process.stderr.write(`bench:net cannot run: ${problem}\n`);
  process.exitCode = 1;
}
