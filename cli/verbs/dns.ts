import { dnsSettings } from "../dns/dns-settings.ts";
import { serveDns } from "../dns/serve-dns.ts";
import { runDnsWorkers } from "../dns/workers/run-dns-workers.ts";
import { withPacketTests } from "../packet-test/with-packet-tests.ts";
import { startMemberProcess } from "../process/member-process.ts";
import { defineVerb } from "../verb.ts";

export const dnsVerb = defineVerb({
  summary: "run a member's authoritative DNS server",
  isService: true,
  settings: dnsSettings,
  async run(input) {
    const { settings, env, out } = input;
    if (settings.workers > 1) return runDnsWorkers(input);
    const started = await startMemberProcess("dns", settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const process = started.value;
    const code = await withPacketTests(settings.packetTestListen, process.deps, () =>
      serveDns(input, process, {}),
    );
    await process.stop();
    return code;
  },
});
