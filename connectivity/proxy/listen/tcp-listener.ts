import { createServer, type Socket } from "node:net";
import { addressBytes } from "../../../api/network/address-bytes.ts";
import { err, ok } from "../../../api/result.ts";
import { listenErrorText } from "../../../runtime/net/listen-error.ts";
import { joinSocket } from "../bridge/socket-bridge.ts";
import type { ServiceOpen } from "../frame/open-header.ts";
import type { WantedListener } from "./import-book.ts";
import { type ListenerDeps, placesFor, type StartListener } from "./service-listener.ts";

const BACKLOG = 4_096;

/** TCP: each connection becomes a stream. Whom no tunnel can take, or who is one too many, is reset, as by a server that is not there. */
export const startTcpListener: StartListener = (wanted, at, deps) => {
  const places = placesFor(wanted, deps);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (!places.tryTake()) return onConnection(socket, wanted, { ...deps, open: () => "overload" });
    socket.once("close", () => places.giveBack());
    onConnection(socket, wanted, deps);
  });
  return new Promise((resolve) => {
    // Later ones too, such as of a process that has no descriptors left: who dials then is not taken.
    server.on("error", (error) =>
      resolve(err(listenErrorText({ ...hostOf(at), port: at.port }, error, "tcp"))),
    );
    server.listen({ ...hostOf(at), port: at.port, backlog: BACKLOG }, () =>
      resolve(ok({ wanted, close: () => void server.close() })),
    );
  });
};

function hostOf({ host }: { readonly host: string | undefined }): { readonly host?: string } {
  return host === undefined ? {} : { host };
}

function onConnection(socket: Socket, wanted: WantedListener, deps: ListenerDeps): void {
  const { peer, namespace, name, port, protocol } = wanted;
  const address = socket.remoteAddress ?? "";
  const header: ServiceOpen = {
    kind: "service",
    protocol,
    namespace,
    name,
    port,
    hostname: "",
    client: { address: addressBytes(address), port: socket.remotePort ?? 0 },
    clientNamespace: deps.namespaceOf(address),
    portNumber: deps.portNumberOf(wanted),
  };
  const record = deps.recorder.begin("out", peer, header);
  const stream = deps.open(peer, header);
  if (typeof stream === "string") {
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
    record.end({ code: stream, bytesIn: 0, bytesOut: 0 });
    return;
  }
  const counts = joinSocket(socket, stream, {
    turnEnd: deps.turnEnd,
    onOpened: () => record.connected(),
    onDone: (end) => record.end(end),
  });
  record.follow(counts);
}
