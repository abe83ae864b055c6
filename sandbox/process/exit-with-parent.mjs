// Preloaded into the sandbox's processes: when the supervisor dies, however it dies, standard input ends and so do we.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.on("error", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
process.stdin.unref();
