import { dnsSettings } from "../dns/dns-settings.ts";
import { serveDns } from "../dns/serve-dns.ts";
import { joinPool, startWorkerProcess } from "../dns/workers/worker-process.ts";
import { defineVerb, type ExitCode } from "../verb.ts";

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
