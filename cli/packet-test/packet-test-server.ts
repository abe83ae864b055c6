import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { parseServiceImport } from "../../api/mcs/parse-service-import.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { isOwn } from "../../controllers/reconcile/is-own.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../runtime/net/listen-error.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import { PACKET_TEST_PATH, type PacketTestAnswer } from "./packet-test-answer.ts";
import { connectionTargets, tryConnections } from "./try-connections.ts";

const CONNECTIONS_MAX = 8;
/** Tests at once: each opens some tens of connections. */
const TESTS_MAX = 2;
const REQUEST_MS = 5_000;
const LOOK_MS = 10_000;
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

export function isLoopback({ host = "" }: ListenAddress): boolean {
  return LOOPBACK.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}

interface Deps {
  readonly client: Pick<KubeClient, "get" | "list">;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Dials the ports of an imported service from where this process is, for `isthmus explain` in a place that reaches no pods. Who
 * asks names a service and nothing else: addresses and ports are those that our controllers have written into its import and
 * slices, so that nothing can be tried that any pod of the cluster may not dial, and no byte is sent. Listens on loopback alone:
 * it is reached by those who may forward ports of our pods (`pods/portforward`).
 */
export class PacketTestServer {
  readonly #listen: ListenAddress;
  readonly #deps: Deps;
  readonly #stopped = new AbortController();
  #server: Server | undefined;
  #tests = 0;

  constructor(listen: ListenAddress, deps: Deps) {
    this.#listen = listen;
    this.#deps = deps;
  }

  /** @returns the port it listens on */
  async start(): Promise<Result<number, string>> {
    if (!isLoopback(this.#listen)) {
      const got = JSON.stringify(this.#listen.host ?? "");
      return err(
        `packet tests must be asked for on a loopback address, such as 127.0.0.1: got ${got}`,
      );
    }
    const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: 1 };
    const server = createServer(limits, (request, response) => {
      void this.#serve(request, response);
    });
    // BOUNDED: more are closed at once.
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    return new Promise((resolve) => {
      server.once("error", (error) => resolve(err(listenErrorText(this.#listen, error))));
      server.listen({ ...this.#listen }, () => {
        const bound = server.address();
        resolve(ok(typeof bound === "object" && bound !== null ? bound.port : this.#listen.port));
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    const server = this.#server;
    this.#server = undefined;
    if (server?.listening !== true) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, answer] = await this.#answer(request);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }

  async #answer(request: IncomingMessage): Promise<readonly [number, PacketTestAnswer]> {
    const url = new URL(request.url ?? "/", "http://loopback");
    const [namespace, name] = [url.searchParams.get("namespace"), url.searchParams.get("name")];
    if (request.method !== "GET" || url.pathname !== PACKET_TEST_PATH || !namespace || !name) {
      return [404, { error: `ask GET ${PACKET_TEST_PATH}?namespace=NAMESPACE&name=NAME` }];
    }
    if (this.#tests >= TESTS_MAX) {
      return [429, { error: `${TESTS_MAX} tests are under way: ask again in some seconds` }];
    }
    this.#tests += 1;
    try {
      const tested = await this.#test(namespace, name);
      return tested.ok ? [200, { connections: tested.value }] : [503, { error: tested.error }];
    } catch (error) {
      this.#deps.log.error("packet test failed", { err: error });
      return [500, { error: "the test failed: see the log" }];
    } finally {
      this.#tests -= 1;
    }
  }

  async #test(
    namespace: string,
    name: string,
  ): Promise<Result<Awaited<ReturnType<typeof tryConnections>>, string>> {
    const { client, clock } = this.#deps;
    using limit = deadline(clock, LOOK_MS, this.#stopped.signal);
    const reader = new ClusterReader(client, limit.signal);
    const imports = await reader.listMcs<KubeObject>(serviceImports, namespace);
    if (!imports.ok) return err(imports.error.message);
    const labelSelector = `${LABEL_SERVICE_NAME}=${name}`;
    const slices = await reader.list<EndpointSlice>(ENDPOINT_SLICES, { namespace, labelSelector });
    if (!slices.ok) return err(slices.error.message);
    const found = imports.value.find((one) => one.metadata.name === name && isOwn(one));
    const targets = connectionTargets(
      found && parseServiceImport(found).value,
      slices.value.filter(isOwn),
    );
    return ok(
      await tryConnections(targets, { kind: "here" }, { clock, signal: this.#stopped.signal }),
    );
  }
}
