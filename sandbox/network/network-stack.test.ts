import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { aService, aSlice } from "../node/testing/builders.ts";
import { REPLY } from "./socks/socks-message.ts";
import { connectCode, readAll, socksConnect, TestAssociation } from "./testing/socks-client.ts";
import { TestNetwork } from "./testing/test-network.ts";

const TCP = { protocol: "TCP", port: 8080 } as const;
const UDP = { protocol: "UDP", port: 5353 } as const;

async function aNetwork(cluster?: string): Promise<TestNetwork> {
  const network = await TestNetwork.start(cluster);
  onTestFinished(() => network[Symbol.asyncDispose]());
  return network;
}

async function anAssociation(network: TestNetwork): Promise<TestAssociation> {
  const association = await TestAssociation.open(network.socks);
  onTestFinished(() => association.close());
  return association;
}

/** A pod address with a server of the test's own behind it. */
async function aRawPod(
  network: TestNetwork,
  ip: string,
  handle: Parameters<typeof createServer>[1] & object,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  network.stack.directory.register(ip, { tcp: new Map([[80, port]]), udp: new Map() });
}

describe("TCP through the SOCKS entry", () => {
  test("a pod that speaks first greets, echoes, and answers a FIN with a FIN", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
    socket.end("hello\n");
    expect((await readAll(socket)).toString()).toBe("pod ip 10.1.0.5\nhello\n");
  });

  test("half-close: the server answers after the client's FIN, and the client after the server's", async () => {
    const network = await aNetwork();
    await aRawPod(network, "10.1.0.5", (socket) => {
      socket.resume().on("end", () => socket.end("after your FIN"));
    });
    const asking = await socksConnect(network.socks, "10.1.0.5", 80);
    asking.end("question");
    expect((await readAll(asking)).toString()).toBe("after your FIN");

    const received: Buffer[] = [];
    const heard = Promise.withResolvers<void>();
    await aRawPod(network, "10.1.0.6", (socket) => {
      socket.end("I am done");
      socket.on("data", (bytes: Buffer) => received.push(bytes)).on("end", () => heard.resolve());
    });
    const telling = await socksConnect(network.socks, "10.1.0.6", 80);
    expect((await readAll(telling)).toString()).toBe("I am done");
    telling.end("but I am not");
    await heard.promise;
    expect(Buffer.concat(received).toString()).toBe("but I am not");
  });

  test("a reset by the pod is a reset for the client, and the other way round", async () => {
    const network = await aNetwork();
    await aRawPod(network, "10.1.0.5", (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.resetAndDestroy());
    });
    const client = await socksConnect(network.socks, "10.1.0.5", 80);
    const failed = once(client, "error");
    client.resume();
    client.write("x");
    expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);

    const seen = Promise.withResolvers<unknown>();
    await aRawPod(network, "10.1.0.6", (socket) => {
      socket.on("error", (cause) => seen.resolve(cause));
      socket.on("data", () => socket.write("y"));
    });
    const resetting = await socksConnect(network.socks, "10.1.0.6", 80);
    resetting.write("x");
    resetting.resume();
    await once(resetting, "data");
    resetting.resetAndDestroy();
    expect(await seen.promise).toMatchObject({ code: "ECONNRESET" });
  });

  test("single bytes arrive, and arrive in order", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
    const text = "every byte on its own";
    for (const character of text) {
      socket.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    expect((await readAll(socket)).toString()).toBe(`pod ip 10.1.0.5\n${text}`);
  });

  test("a request written in single bytes is still HTTP", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
    for (const character of "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
      socket.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await readAll(socket)).toString()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok\n$/);
  });

  test("10 MB come back unchanged past a reader that is slow to start", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
    const sent = Buffer.alloc(10 * 1024 * 1024);
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
    socket.end(sent);
    await new Promise((resolve) => setImmediate(resolve));
    const banner = Buffer.byteLength("pod ip 10.1.0.5\n");
    const received = await readAll(socket);
    expect(received.length).toBe(sent.length + banner);
    const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(digest(received.subarray(banner))).toBe(digest(sent));
  });

  test("100 connections at once", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
        socket.end(`${i}\n`);
        return (await readAll(socket)).toString();
      }),
    );
    expect(answers).toEqual(answers.map((_, i) => `pod ip 10.1.0.5\n${i}\n`));
  });

  test("stopping ends open connections", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
    const ended = Promise.race([once(socket, "end"), once(socket, "close")]);
    socket.resume();
    await network.stack.stop();
    await ended;
    await expect(socksConnect(network.socks, "10.1.0.5", 8080)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("reply codes", () => {
  test("say what a packet would have met", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [TCP]);
    network.services.put(aService());
    network.setPeers([{ cidrs: ["10.9.0.0/16"], fabric: "127.0.0.1:1" }]);
    const code = (host: string, port: number): Promise<number> =>
      connectCode(network.socks, host, port);
    expect(await code("10.1.0.5", 8080)).toBe(REPLY.succeeded);
    expect(await code("10.1.0.5", 81)).toBe(REPLY.refused);
    expect(await code("10.1.0.6", 8080)).toBe(REPLY.hostUnreachable);
    expect(await code("10.96.0.10", 80)).toBe(REPLY.refused);
    expect(await code("10.96.0.10", 81)).toBe(REPLY.refused);
    expect(await code("10.96.0.99", 80)).toBe(REPLY.hostUnreachable);
    expect(await code("10.9.0.1", 80)).toBe(REPLY.networkUnreachable);
    expect(await code("192.0.2.1", 80)).toBe(REPLY.hostUnreachable);
    expect(await code("127.0.0.1", 22)).toBe(REPLY.hostUnreachable);
    expect(await code("no-such.default.svc.cluster.local", 80)).toBe(REPLY.hostUnreachable);
  });
});

describe("the service proxy", () => {
  test("balances, follows updates, and leaves open connections alone", async () => {
    const network = await aNetwork();
    for (const ip of ["10.1.0.5", "10.1.0.6"]) await network.addPod(ip, [TCP]);
    network.services.put(aService());
    const of = (...ips: readonly string[]): ReturnType<typeof aSlice> =>
      aSlice(
        { endpoints: ips.map((ip) => ({ addresses: [ip] })) },
        { resourceVersion: ips.join() },
      );
    network.slices.put(of("10.1.0.5", "10.1.0.6"));
    const ask = async (): Promise<string> => {
      const socket = await socksConnect(network.socks, "10.96.0.10", 80);
      socket.end("x");
      return (await readAll(socket)).toString();
    };
    const first = [await ask(), await ask()];
    expect(new Set(first)).toEqual(new Set(["pod ip 10.1.0.5\nx", "pod ip 10.1.0.6\nx"]));

    const open = await socksConnect(network.socks, "10.96.0.10", 80);
    open.write("before ");
    open.resume();
    const [banner] = await once(open, "data");
    open.pause();
    network.slices.put(of("10.1.0.6"));
    expect([await ask(), await ask()]).toEqual(["pod ip 10.1.0.6\nx", "pod ip 10.1.0.6\nx"]);
    open.end("after");
    const rest = await readAll(open);
    expect(`${String(banner)}${rest.toString()}`).toMatch(/^pod ip 10\.1\.0\.\d\nbefore after$/);
  });
});

describe("UDP through the SOCKS entry", () => {
  test("datagrams reach pods and ClusterIPs, and answers come from the address that was asked", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [UDP]);
    network.services.put(aService({ ports: [{ port: 53, protocol: "UDP" }] }));
    const endpoints = [{ addresses: ["10.1.0.5"] }];
    network.slices.put(aSlice({ endpoints, ports: [{ name: "", protocol: "UDP", port: 5353 }] }));
    const association = await anAssociation(network);
    const text = "pod ip 10.1.0.5\nhi";
    expect(await association.ask("10.1.0.5", 5353, "hi")).toEqual({
      from: { kind: "ip", host: "10.1.0.5", port: 5353 },
      text,
    });
    const fromService = { from: { kind: "ip", host: "10.96.0.10", port: 53 }, text };
    expect(await association.ask("10.96.0.10", 53, "hi")).toEqual(fromService);
    expect(await association.ask("web.shop.svc.cluster.local", 53, "hi")).toEqual(fromService);
  });

  test("a flow moves when its endpoint leaves, and starts when one comes", async () => {
    const network = await aNetwork();
    for (const ip of ["10.1.0.5", "10.1.0.6"]) await network.addPod(ip, [UDP]);
    network.services.put(aService({ ports: [{ port: 53, protocol: "UDP" }] }));
    const put = (...ips: readonly string[]): void =>
      network.slices.put(
        aSlice(
          {
            endpoints: ips.map((ip) => ({ addresses: [ip] })),
            ports: [{ name: "", protocol: "UDP", port: 5353 }],
          },
          { resourceVersion: `v${ips.join()}` },
        ),
      );
    const association = await anAssociation(network);
    association.send("10.96.0.10", 53, "lost: nobody is there");
    await association.ask("10.1.0.5", 5353, "a datagram behind it, so that it has been handled");
    put("10.1.0.5");
    expect(await association.ask("10.96.0.10", 53, "1")).toMatchObject({
      text: "pod ip 10.1.0.5\n1",
    });
    put("10.1.0.5", "10.1.0.6");
    expect(await association.ask("10.96.0.10", 53, "2")).toMatchObject({
      text: "pod ip 10.1.0.5\n2",
    });
    put("10.1.0.6");
    expect(await association.ask("10.96.0.10", 53, "3")).toMatchObject({
      text: "pod ip 10.1.0.6\n3",
    });
  });

  test("fragments and rubbish are dropped, and the association goes on", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [UDP]);
    const association = await anAssociation(network);
    association.sendRaw(Uint8Array.from([0, 0, 1, 1, 10, 1, 0, 5, 0x14, 0xe9, 0x78]));
    association.sendRaw(Uint8Array.from([0, 0, 0, 9, 9]));
    association.sendRaw(new Uint8Array(0));
    expect(await association.ask("10.1.0.5", 5353, "ok")).toMatchObject({
      text: "pod ip 10.1.0.5\nok",
    });
  });

  test("a datagram of 8 kB passes whole", async () => {
    const network = await aNetwork();
    await network.addPod("10.1.0.5", [UDP]);
    const association = await anAssociation(network);
    const payload = "x".repeat(8192);
    expect((await association.ask("10.1.0.5", 5353, payload)).text).toBe(
      `pod ip 10.1.0.5\n${payload}`,
    );
  });
});

describe("several members", () => {
  test("a peer's pods are reached through its fabric, over TCP and UDP, as the client that we are", async () => {
    const east = await aNetwork("east");
    const west = await aNetwork("west");
    // An address outside both own CIDRs, so that only the route decides.
    await west.addPod("10.2.0.5", [TCP, UDP]);
    east.setPeers([{ cidrs: ["10.2.0.0/16"], fabric: west.fabric }]);
    const socket = await socksConnect(east.socks, "10.2.0.5", 8080);
    socket.end("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    const answer = (await readAll(socket)).toString();
    expect(answer).toContain('"cluster":"west"');
    expect(answer).toContain('"client":"10.1.0.250"');
    const association = await anAssociation(east);
    expect(await association.ask("10.2.0.5", 5353, "hi")).toEqual({
      from: { kind: "ip", host: "10.2.0.5", port: 5353 },
      text: "pod ip 10.2.0.5\nhi",
    });
    expect(await connectCode(east.socks, "10.2.0.5", 81)).toBe(REPLY.refused);
    expect(await connectCode(east.socks, "10.2.0.6", 80)).toBe(REPLY.hostUnreachable);
    east.setPeers([]);
    expect(await connectCode(east.socks, "10.2.0.5", 8080)).toBe(REPLY.hostUnreachable);
  });

  test("a fabric leads to pods only: no ClusterIPs, no third member, no anonymous clients", async () => {
    const east = await aNetwork("east");
    const west = await aNetwork("west");
    await west.addPod("10.1.0.5", [TCP]);
    west.services.put(aService({ clusterIP: "10.2.0.80" }));
    west.slices.put(aSlice({ endpoints: [{ addresses: ["10.1.0.5"] }] }));
    west.setPeers([{ cidrs: ["10.3.0.0/16"], fabric: west.fabric }]);
    east.setPeers([{ cidrs: ["10.2.0.0/15"], fabric: west.fabric }]);
    expect(await connectCode(west.socks, "10.2.0.80", 80)).toBe(REPLY.succeeded);
    expect(await connectCode(east.socks, "10.2.0.80", 80)).toBe(REPLY.hostUnreachable);
    expect(await connectCode(east.socks, "10.3.0.1", 80)).toBe(REPLY.hostUnreachable);
    await expect(connectCode(west.fabric, "10.1.0.5", 8080)).rejects.toThrow("connection ended");
  });

  test("two members with the same addresses live side by side", async () => {
    const east = await aNetwork("east");
    const west = await aNetwork("west");
    for (const network of [east, west]) {
      await network.addPod("10.1.0.5", [TCP]);
      // Routing to an overlapping network is impossible: each reaches its own pod.
      const fabric = network === east ? west.fabric : east.fabric;
      network.setPeers([{ cidrs: ["10.1.0.0/24"], fabric }]);
      const socket = await socksConnect(network.socks, "10.1.0.5", 8080);
      socket.end("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
      expect((await readAll(socket)).toString()).toContain(`"cluster":"${network.cluster}"`);
    }
  });
});
