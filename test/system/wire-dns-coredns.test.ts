import { expect } from "vitest";
import { addStanza, removeStanza } from "../../install/cluster-dns/corefile-stanza.ts";
import { asker, CoreDns, testWithCoreDns } from "./coredns.ts";
import { startDnsWorld } from "./dns-world.ts";

// What `isthmus wire-dns` makes of a Corefile, read by a real CoreDNS.

const NAME = "web.shop.svc.clusterset.local";

/** As a cluster has it: one block for all, with names of the cluster and something for the rest. */
function clusterCorefile(port: number): string {
  return `# of this cluster
.:${port} {
    bind 127.0.0.1
    errors
    hosts {
        10.96.0.1 kubernetes.default.svc.cluster.local
        fallthrough
    }
    template ANY ANY example clusterset.local {
        rcode NXDOMAIN
    }
    cache 30
    reload 2s 1s
}`;
}

function wired(text: string, address: string): string {
  const added = addStanza(text, [address]);
  if (!added.ok) throw new Error(added.error);
  return added.value;
}

testWithCoreDns(
  "a running CoreDNS takes it over, and back, and answers cluster.local throughout",
  async (path, dig) => {
    await using world = await startDnsWorld();
    const address = `127.0.0.1:${world.port}`;
    await using core = await CoreDns.startWith(path, clusterCorefile);
    const ask = asker(dig, core.port);
    const local = "kubernetes.default.svc.cluster.local";
    expect(await ask(NAME, "A")).toContain("status: NXDOMAIN");
    const text = wired(clusterCorefile(core.port), address);
    core.replaceCorefile(text);
    const settle = { timeout: 30_000, interval: 200 };
    const localAnswers = new Set<string>();
    const both = async (): Promise<string> => {
      localAnswers.add(await ask("+short", "+tries=3", local, "A"));
      return ask("+short", NAME, "A");
    };
    await expect.poll(both, settle).toBe("10.96.0.1\n");
    expect(await ask("nothing.example", "A")).toContain("status: NXDOMAIN");
    core.replaceCorefile(removeStanza(text, [address]));
    await expect.poll(both, settle).toBe("");
    expect([...localAnswers]).toEqual(["10.96.0.1\n"]);
  },
);

testWithCoreDns("two servers of the zone end CoreDNS: why the second is refused", async (path) => {
  const twice = (port: number): string => {
    const text = wired(clusterCorefile(port), "10.96.0.53");
    return `${text}\nclusterset.local:${port} {\n  bind 127.0.0.1\n  whoami\n}\n`;
  };
  await expect(CoreDns.startWith(path, twice)).rejects.toThrow(
    "cannot serve dns://clusterset.local",
  );
  expect(
    addStanza(`${clusterCorefile(53)}\nclusterset.local {\n}\n`, ["10.96.0.53"]),
  ).toMatchObject({
    ok: false,
  });
});

testWithCoreDns("an IPv6 address needs no brackets", async (path) => {
  const text = (port: number): string => wired(clusterCorefile(port), "fd00:96::53");
  await using core = await CoreDns.startWith(path, text);
  expect(core.port).toBeGreaterThan(0);
});
