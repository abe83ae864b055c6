import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type DecodedPacket, decode, encode, streamEncode } from "dns-packet";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { aService } from "../../node/testing/builders.ts";
import type { ClusterObjects } from "./cluster-names.ts";
import { DnsClient } from "./dns-client.ts";
import { MemberResolver } from "./member-resolver.ts";

const signal = new AbortController().signal;
const NXDOMAIN = 3;
const SERVFAIL = 2;

/** What the test's DNS server sends back for a query over UDP; nothing when empty. */
type Script = (query: DecodedPacket, attempt: number) => readonly Buffer[];

interface Reply {
  readonly addresses?: readonly string[];
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly id?: number;
}

function replyTo(query: DecodedPacket, reply: Reply): Buffer {
  const [question] = query.questions ?? [];
  const type = question?.type === "AAAA" ? "AAAA" : "A";
  const name = question?.name ?? "";
  const isMine = (address: string): boolean => address.includes(":") === (type === "AAAA");
  const data = (reply.addresses ?? []).filter(isMine);
  return encode({
    type: "response",
    id: reply.id ?? query.id ?? 0,
    flags: (reply.truncated === true ? 0x0200 : 0) | (reply.rcode ?? 0),
    questions: query.questions ?? [],
    answers: data.map((address) => ({ type, name, ttl: 5, data: address })),
  });
}

/** A DNS server on UDP and TCP of one port; TCP answers with `tcp`. */
async function aServer(script: Script, tcp: Reply = {}): Promise<DnsClient> {
  const stream = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes: Buffer) => {
      const reply = replyTo(decode(bytes.subarray(2)), tcp);
      const framed = streamEncode(decode(reply));
      socket.write(framed.subarray(0, 1));
      socket.end(framed.subarray(1));
    });
  });
  stream.listen(0, "127.0.0.1");
  await once(stream, "listening");
  const address = stream.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const socket = createSocket("udp4");
  let attempt = 0;
  socket.on("message", (bytes, from) => {
    for (const reply of script(decode(bytes), attempt)) socket.send(reply, from.port, from.address);
    attempt += 1;
  });
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => {
    stream.close();
    socket.close();
  });
  const options = { attempts: 3, timeoutMs: 150 };
  const deps = { clock: systemClock, random: seededRandom(3) };
  return new DnsClient({ host: "127.0.0.1", port }, options, deps);
}

describe("asking the DNS server", () => {
  test.each<{ name: string; script: Script; tcp?: Reply; want: unknown }>([
    {
      name: "both families, IPv4 first",
      script: (query) => [replyTo(query, { addresses: ["fd00::1", "10.1.0.1", "10.1.0.2"] })],
      want: { ok: true, value: ["10.1.0.1", "10.1.0.2", "fd00::1"] },
    },
    {
      name: "NXDOMAIN is not found",
      script: (query) => [replyTo(query, { rcode: NXDOMAIN })],
      want: { ok: false, error: { kind: "not-found" } },
    },
    {
      name: "an answer without addresses is not found",
      script: (query) => [replyTo(query, {})],
      want: { ok: false, error: { kind: "not-found" } },
    },
    {
      name: "SERVFAIL is a failure",
      script: (query) => [replyTo(query, { rcode: SERVFAIL })],
      want: { ok: false, error: { kind: "failed" } },
    },
    {
      name: "a lost query is sent again",
      script: (query, attempt) =>
        attempt < 2 ? [] : [replyTo(query, { addresses: ["10.1.0.1"] })],
      want: { ok: true, value: ["10.1.0.1"] },
    },
    {
      name: "silence is a failure",
      script: () => [],
      want: { ok: false, error: { kind: "failed" } },
    },
    {
      name: "a cut answer is asked for over TCP",
      script: (query) => [replyTo(query, { truncated: true })],
      tcp: { addresses: ["10.1.0.1"] },
      want: { ok: true, value: ["10.1.0.1"] },
    },
    {
      name: "rubbish, a foreign id and another question are not answers",
      script: (query) => [
        Buffer.from([1, 2, 3]),
        Buffer.alloc(40, 0xff),
        replyTo(query, { addresses: ["10.6.6.6"], id: ((query.id ?? 0) + 1) % 65_536 }),
        replyTo(
          { ...query, questions: [{ type: "A", name: "evil.example" }] },
          { addresses: ["10.6.6.6"] },
        ),
        replyTo(query, { addresses: ["10.1.0.1"] }),
      ],
      want: { ok: true, value: ["10.1.0.1"] },
    },
  ])("$name", async ({ script, tcp, want }) => {
    const client = await aServer(script, tcp);
    expect(await client.lookup("web.shop.svc.clusterset.local", signal)).toMatchObject(
      Object(want),
    );
  });

  test.each(["", "a..b", "x".repeat(64), `${"abc.".repeat(64)}de`])(
    "%j cannot be asked and does not exist",
    async (name) => {
      const client = await aServer((query) => [replyTo(query, { addresses: ["10.6.6.6"] })]);
      expect(await client.lookup(name, signal)).toMatchObject({ error: { kind: "not-found" } });
    },
  );
});

describe("the shell's resolver", () => {
  const objects: ClusterObjects = {
    service: (namespace, name) => {
      if (name === "web" && namespace === "shop") return aService();
      if (name === "out") return aService({ type: "ExternalName", externalName: "x.example." });
      if (name === "loop") {
        return aService({ type: "ExternalName", externalName: "loop.shop.svc.cluster.local" });
      }
      return undefined;
    },
    slices: () => [],
  };

  async function resolve(name: string, script: Script): Promise<unknown> {
    const dns = await aServer(script);
    const resolver = new MemberResolver(
      { namespace: "shop" },
      { objects, dns, random: seededRandom(1) },
    );
    return resolver.resolve(name, signal);
  }
  const nothing: Script = (query) => [replyTo(query, { rcode: NXDOMAIN })];
  const everything: Script = (query) => [replyTo(query, { addresses: ["10.6.6.6"] })];

  test.each([
    "web",
    "web.shop",
    "web.shop.svc",
    "WEB.shop.svc.cluster.local",
    "web.shop.svc.cluster.local.",
  ])("%s is the local Service, whatever the DNS server says (VIP-06)", async (name) => {
    expect(await resolve(name, everything)).toEqual({ ok: true, value: ["10.96.0.10"] });
  });

  test("cluster.local never leaves the cluster", async () => {
    const asked: string[] = [];
    await resolve("nope.shop.svc.cluster.local.", (query) => {
      asked.push(query.questions?.[0]?.name ?? "");
      return everything(query, 0);
    });
    expect(asked).toEqual([]);
  });

  test("an ExternalName's target is asked of the DNS server", async () => {
    const onlyExample: Script = (query) =>
      query.questions?.[0]?.name === "x.example" ? everything(query, 0) : nothing(query, 0);
    expect(await resolve("out", onlyExample)).toEqual({ ok: true, value: ["10.6.6.6"] });
  });

  test("aliases in a circle fail instead of going on for ever", async () => {
    expect(await resolve("loop", nothing)).toMatchObject({ error: { kind: "failed" } });
  });

  test("a server that fails is not the same as a name that does not exist", async () => {
    const broken: Script = (query) => [replyTo(query, { rcode: SERVFAIL })];
    expect(await resolve("a.svc.clusterset.local", broken)).toMatchObject({
      error: { kind: "failed" },
    });
    expect(await resolve("a.svc.clusterset.local", nothing)).toMatchObject({
      error: { kind: "not-found" },
    });
  });

  test("without a DNS server, names outside cluster.local do not exist", async () => {
    const deps = { objects, random: seededRandom(1) };
    const resolver = new MemberResolver({ namespace: "default" }, deps);
    expect(await resolver.resolve("x.svc.clusterset.local", signal)).toMatchObject({
      error: { kind: "not-found" },
    });
  });
});
