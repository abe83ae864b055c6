import { dnsSettings } from "../dns-settings.ts";
import { serveDns } from "../serve-dns.ts";
import { defineVerb, type ExitCode } from "../verb.ts";
import { joinPool, startWorkerProcess } from "../workers/worker-process.ts";

/** One of the processes of `isthmus dns --workers`, which starts it. */
export const dnsWorkerVerb = defineVerb({
  summary: "one worker of a DNS server with several",
  settings: dnsSettings,
  async run(input) {
    const { settings, env, out, pool } = input;
    if (pool === undefined) {
      out.problem("dns-worker is started by isthmus dns --workers alone");
      return 2;
    }
    const start = await joinPool(pool);
    const started = startWorkerProcess("dns", settings, env, start);
    let exitCode: ExitCode = 1;
    if (started.ok) {
      const { signal, onHangup, cookieSecret } = start;
      exitCode = await serveDns({ ...input, signal, onHangup }, started.value, {
        sharesPort: true,
        drawnCookieSecret: cookieSecret,
      });
    } else {
      out.problem(started.error);
    }
    if (exitCode !== 0) pool.send({ kind: "refused" });
    return exitCode;
  },
});
