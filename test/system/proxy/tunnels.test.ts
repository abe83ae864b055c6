import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { HttpProxy } from "../../../connectivity/proxy/tunnel/dial-tunnel.ts";
import {
  clockOffBy,
  listenAnywhere,
  serveEcho,
  slice,
  startPair,
  startProxy,
  TestAuthority,
  type TestProxy,
  until,
} from "./proxy-world.ts";

/** What a test has started, ended after it. */
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function ask(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.end(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const usable = (from: TestProxy, to: { readonly cluster: ClusterId }): number =>
  from.node.hub.peer(to.cluster)?.usable.length ?? 0;

describe("who may make a tunnel", () => {
  test.each([
    ["of another authority", /cannot accept peer|ended|TLS/],
    ["that has expired", /must be valid now|ended|TLS|expired/],
    ["of another member", /must be east: got north/],
  ])("nobody with a certificate %s", async (what, reason) => {
    const [ours, theirs] = [await TestAuthority.create(), await TestAuthority.create()];
    const west = await startProxy(await ours.identity("west"));
    ends.push(() => west.node.stop(0));
    const identity =
      what === "of another authority"
        ? await theirs.identity("east", { authorities: [ours.certPem] })
        : what === "that has expired"
          ? await ours.identity("east", { lifeMs: -60_000 })
          : await ours.identity("north");
    const other = await startProxy(identity);
    ends.push(() => other.node.stop(0));
    // Either may dial.
    for (const [from, to] of [
      [west, other],
      [other, west],
    ] as const) {
      from.node.setPeers(
        new Map([
          ["east" as ClusterId, [to.endpoint]],
          ["west" as ClusterId, [to.endpoint]],
        ]),
      );
    }
    west.node.setPeers(new Map([["east" as ClusterId, [other.endpoint]]]));
    await until("a failure", () => west.node.hub.failureOf("east" as ClusterId) !== undefined);
    expect(west.node.hub.failureOf("east" as ClusterId)).toMatch(reason);
    expect(usable(west, { cluster: "east" as ClusterId })).toBe(0);
    expect(usable(other, west)).toBe(0);
  });

  test("nobody who is no member any more: tunnels are cut, and not made again", async () => {
    const pair = await startPair();
    ends.push(() => pair.stop());
    pair.east.node.setPeers(new Map());
    await until("cut", () => usable(pair.west, pair.east) === 0);
    await until("refused", () => pair.west.node.hub.failureOf(pair.east.cluster) !== undefined);
    expect(usable(pair.west, pair.east)).toBe(0);
  });

  test("a clock that is wrong by hours makes no tunnel, and the reason names both times", async () => {
    const authority = await TestAuthority.create();
    const east = await startProxy(await authority.identity("east", { lifeMs: 3_600_000 }));
    const west = await startProxy(await authority.identity("west"), {
      clock: clockOffBy(7_200_000),
    });
    ends.push(
      () => east.node.stop(0),
      () => west.node.stop(0),
    );
    east.node.setPeers(new Map([[west.cluster, []]]));
    west.node.setPeers(new Map([[east.cluster, [east.endpoint]]]));
    await until("a failure", () => west.node.hub.failureOf(east.cluster) !== undefined);
    expect(west.node.hub.failureOf(east.cluster)).toMatch(
      /must be valid now, .*: it is from .* until/,
    );
  });
});

describe("tunnels come and go", () => {
  test("certificates and the authority are replaced without a drop", async () => {
    const pair = await startPair();
    ends.push(() => pair.stop());
    const port = await pair.carry(await serveEcho(ends));
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write("before ");
    await once(socket, "data");
    const next = await TestAuthority.create();
    const authorities = [pair.authority.certPem, next.certPem];
    // First everybody believes both authorities, then certificates are of the next one.
    pair.west.node.setIdentity(await pair.authority.identity("west", { authorities }));
    pair.east.node.setIdentity(await pair.authority.identity("east", { authorities }));
    pair.east.node.setIdentity(await next.identity("east", { authorities }));
    pair.west.node.setIdentity(await next.identity("west", { authorities: [next.certPem] }));
    await until("new tunnels", () => {
      const tunnels = pair.west.node.hub.peer(pair.east.cluster)?.all ?? [];
      return tunnels.filter(({ canOpen }) => canOpen).length >= 2;
    });
    expect(await ask(port, "new connection")).toBe("new connection");
    socket.write("after");
    const [chunk] = await once(socket, "data");
    expect(chunk.toString()).toBe("after");
    socket.destroy();
  });

  test("a peer whose proxies go away and come back is found again; the failure says why meanwhile", async () => {
    const pair = await startPair();
    ends.push(() => pair.stop());
    const echo = await serveEcho(ends);
    await pair.east.node.stop(0);
    await until("down", () => usable(pair.west, pair.east) === 0);
    const port = await pair.carry(echo);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ECONNRESET" });
    await until("why", () => pair.west.node.hub.failureOf(pair.east.cluster) !== undefined);
    expect(pair.west.node.hub.failureOf(pair.east.cluster)).toContain("ECONNREFUSED");
    const again = await startProxy(await pair.authority.identity("east"));
    ends.push(() => again.node.stop(0));
    again.node.setPeers(new Map([[pair.west.cluster, []]]));
    again.node.putSlice(slice("east", "shop/db", { name: "main", port: echo }));
    pair.west.node.setPeers(new Map([[again.cluster, [again.endpoint]]]));
    await until("up", () => usable(pair.west, again) > 0);
    expect(await ask(port, "back")).toBe("back");
  });

  test("draining: a connection that is open ends in its own time, a new one is not taken", async () => {
    const pair = await startPair();
    ends.push(() => pair.stop());
    const port = await pair.carry(await serveEcho(ends));
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    socket.write("x");
    await once(socket, "data");
    let isStopped = false;
    const stopping = pair.east.node.stop(100_000).finally(() => {
      isStopped = true;
    });
    await until("told", () => usable(pair.west, pair.east) === 0);
    socket.write("still served");
    const [chunk] = await once(socket, "data");
    expect(chunk.toString()).toBe("still served");
    expect(isStopped).toBe(false);
    socket.end();
    await stopping;
  });

  test.each([
    ["that lets anybody through", undefined],
    ["that asks who it is", "Basic eA=="],
  ])(
    "through an HTTP proxy %s, by CONNECT, and what it answers when it does not",
    async (_what, authorization) => {
      const seen: string[] = [];
      const httpProxy = createServer((client) => {
        client.on("error", () => undefined);
        client.once("data", (head) => {
          const [line = ""] = head.toString().split("\r\n");
          seen.push(line);
          const asked = /^Proxy-Authorization: (.*)\r$/m.exec(head.toString())?.[1];
          if (asked !== authorization) {
            client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\nWho are you?");
            return;
          }
          const [host = "", port = ""] = line.split(" ")[1]?.split(":") ?? [];
          const server = connect(Number(port), host, () => {
            client.write("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n");
            client.pipe(server).pipe(client);
          });
          server.on("error", () => undefined);
          client.on("close", () => server.destroy());
          server.on("close", () => client.destroy());
        });
      });
      httpProxy.listen(0, "127.0.0.1");
      await once(httpProxy, "listening");
      ends.push(() => httpProxy.close());
      const address = { host: "127.0.0.1", port: (httpProxy.address() as AddressInfo).port };
      const httpProxyOf = (value: string | undefined): HttpProxy => ({
        address,
        ...(value !== undefined && { authorization: value }),
      });
      const pair = await startPair({ west: { httpProxy: httpProxyOf(authorization) } });
      ends.push(() => pair.stop());
      expect(seen[0]).toBe(`CONNECT ${pair.east.endpoint} HTTP/1.1`);
      expect(await ask(await pair.carry(await serveEcho(ends)), "through")).toBe("through");
      const stranger = await startProxy(await pair.authority.identity("north"), {
        httpProxy: httpProxyOf("Basic bm9ib2R5"),
      });
      ends.push(() => stranger.node.stop(0));
      stranger.node.setPeers(new Map([[pair.east.cluster, [pair.east.endpoint]]]));
      await until("refused", () => stranger.node.hub.failureOf(pair.east.cluster) !== undefined);
      expect(stranger.node.hub.failureOf(pair.east.cluster)).toContain("407");
    },
  );
});

describe("relays", () => {
  interface Three {
    readonly west: TestProxy;
    readonly east: TestProxy;
    readonly relay: TestProxy;
    readonly stopRelay: () => Promise<void>;
  }

  /** East and west only dial out, to the relay: they cannot reach each other. */
  async function three(mayRelay = true): Promise<Three> {
    const authority = await TestAuthority.create();
    const [west, east, relay] = await Promise.all([
      startProxy(await authority.identity("west")),
      startProxy(await authority.identity("east")),
      startProxy(await authority.identity("relay"), { mayRelay: () => mayRelay }),
    ]);
    ends.push(
      () => west.node.stop(0),
      () => east.node.stop(0),
      () => relay.node.stop(0),
    );
    west.node.setPeers(
      new Map([
        [relay.cluster, [relay.endpoint]],
        [east.cluster, []],
      ]),
    );
    east.node.setPeers(
      new Map([
        [relay.cluster, [relay.endpoint]],
        [west.cluster, []],
      ]),
    );
    relay.node.setPeers(
      new Map([
        [west.cluster, []],
        [east.cluster, []],
      ]),
    );
    await until("links", () => usable(west, relay) > 0 && usable(east, relay) > 0);
    return { west, east, relay, stopRelay: () => relay.node.stop(0) };
  }

  test("two that cannot reach each other meet through a third, by a tunnel of their own inside its streams", async () => {
    const { west, east, relay } = await three();
    await until("a relayed tunnel", () => usable(west, east) > 0 && usable(east, west) > 0);
    expect(west.node.hub.peer(east.cluster)?.usable[0]?.facts.path).toBe("relayed");
    const echo = await serveEcho(ends);
    east.node.putSlice(slice("east", "shop/db", { name: "main", port: echo }));
    const port = await listenAnywhere(west, (at) =>
      slice("east", "shop/db", { name: "main", port: at }),
    );
    const text = "not for the relay ".repeat(50_000);
    expect(await ask(port, text)).toBe(text);
    expect(usable(relay, west)).toBeGreaterThan(0);
  });

  test("a member that does not relay is asked in vain", async () => {
    const { west, east } = await three(false);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(usable(west, east)).toBe(0);
  });

  test("a direct way is taken as soon as there is one", async () => {
    const { west, east, relay } = await three();
    await until("a relayed tunnel", () => usable(west, east) > 0);
    west.node.setPeers(
      new Map([
        [relay.cluster, [relay.endpoint]],
        [east.cluster, [east.endpoint]],
      ]),
    );
    await until("direct only", () => {
      const tunnels = west.node.hub.peer(east.cluster)?.all ?? [];
      return tunnels.length > 0 && tunnels.every(({ facts }) => facts.path === "direct");
    });
  });

  test("when the relay dies, both sides know at once", async () => {
    const { west, east, stopRelay } = await three();
    await until("a relayed tunnel", () => usable(west, east) > 0 && usable(east, west) > 0);
    await stopRelay();
    await until("down", () => usable(west, east) === 0 && usable(east, west) === 0);
  });

  test("when one of two relays dies the other serves new streams with the tunnel that it has, and keeps its own", async () => {
    const authority = await TestAuthority.create();
    const start = async (name: string): Promise<TestProxy> => {
      const proxy = await startProxy(await authority.identity(name));
      ends.push(() => proxy.node.stop(0));
      return proxy;
    };
    const [west, east] = [await start("west"), await start("east")];
    const relays = [await start("relay-1"), await start("relay-2")];
    const dialled = relays.map(({ cluster, endpoint }): [ClusterId, string[]] => [
      cluster,
      [endpoint],
    ]);
    west.node.setPeers(new Map([...dialled, [east.cluster, []]]));
    east.node.setPeers(new Map([...dialled, [west.cluster, []]]));
    for (const { node } of relays) {
      node.setPeers(new Map([west, east].map(({ cluster }) => [cluster, []])));
    }
    await until(
      "a tunnel through each",
      () => usable(west, east) === 2 && usable(east, west) === 2,
    );
    const tunnels = west.node.hub.peer(east.cluster)?.usable ?? [];
    const echo = await serveEcho(ends);
    east.node.putSlice(slice("east", "shop/db", { name: "main", port: echo }));
    const port = await listenAnywhere(west, (at) =>
      slice("east", "shop/db", { name: "main", port: at }),
    );
    const open = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        ends.push(() => socket.destroy());
        socket.write("hello");
        await once(socket, "data");
        return socket;
      }),
    );
    await relays[0]?.node.stop(0);
    await until("one is left", () => usable(west, east) === 1 && usable(east, west) === 1);
    const [left] = west.node.hub.peer(east.cluster)?.usable ?? [];
    expect(tunnels).toContain(left);
    const kept = left?.streamCount ?? 0;
    for (let n = 0; n < 20; n++) expect(await ask(port, `still ${n}`)).toBe(`still ${n}`);
    await until("others are gone", () => open.filter(({ closed }) => !closed).length === kept);
  });

  test("two relays in a row: each member sees its neighbours only; a text goes through all four", async () => {
    const authority = await TestAuthority.create();
    const names = ["west", "near", "far", "east"];
    const chain: TestProxy[] = [];
    for (const name of names) {
      const proxy = await startProxy(await authority.identity(name));
      ends.push(() => proxy.node.stop(0));
      chain.push(proxy);
    }
    const [west, , , east] = chain;
    if (west === undefined || east === undefined) throw new Error("a chain of four");
    // Each dials its neighbour to the right, and knows of the others only that they are members.
    for (const [at, { node }] of chain.entries()) {
      node.setPeers(
        new Map(
          chain.flatMap(({ cluster, endpoint }, other) =>
            other === at ? [] : [[cluster, other === at + 1 ? [endpoint] : []] as const],
          ),
        ),
      );
    }
    await until("a tunnel over both", () => usable(west, east) > 0 && usable(east, west) > 0);
    expect(west.node.hub.peer(east.cluster)?.usable[0]?.facts.path).toBe("relayed");
    const echo = await serveEcho(ends);
    east.node.putSlice(slice("east", "shop/db", { name: "main", port: echo }));
    const port = await listenAnywhere(west, (at) =>
      slice("east", "shop/db", { name: "main", port: at }),
    );
    const text = "through all four ".repeat(50_000);
    expect(await ask(port, text)).toBe(text);
  });
});
