import { createSocket, type RemoteInfo } from "node:dgram";
import { isIPv4 } from "node:net";
import { addressBytes } from "../../../api/network/address-bytes.ts";
import { err, ok } from "../../../api/result.ts";
import { listenErrorText } from "../../../runtime/net/listen-error.ts";
import { DatagramBridge, sendOrDrop } from "../bridge/datagram-bridge.ts";
import type { ServiceOpen } from "../frame/open-header.ts";
import { placesFor, type StartListener } from "./service-listener.ts";

/**
 * UDP: each client address is a session, and a stream, until it is idle. Datagrams of one too many are dropped until somebody
 * else has been idle long enough.
 */
export const startUdpListener: StartListener = (wanted, at, deps) => {
  const { peer, namespace, name, port, protocol } = wanted;
  const host = at.host ?? "::";
  const socket = createSocket(isIPv4(host) ? "udp4" : "udp6");
  /** BOUNDED: by the places. */
  const sessions = new Map<string, DatagramBridge>();
  const places = placesFor(wanted, deps);

  const begin = (key: string, client: RemoteInfo): DatagramBridge | undefined => {
    const header: ServiceOpen = {
      kind: "service",
      protocol,
      namespace,
      name,
      port,
      hostname: "",
      client: { address: addressBytes(client.address), port: client.port },
      clientNamespace: deps.namespaceOf(client.address),
      portNumber: deps.portNumberOf(wanted),
    };
    const hasPlace = places.tryTake();
    const stream = hasPlace ? deps.open(peer, header) : "overload";
    if (typeof stream === "string") {
      if (hasPlace) places.giveBack();
      deps.recorder.refused("out", peer, header, stream);
      return undefined;
    }
    const record = deps.recorder.begin("out", peer, header);
    const bridge = new DatagramBridge(stream, {
      deliver: (datagram) =>
        sendOrDrop(socket, () => socket.send(datagram, client.port, client.address)),
      idleMs: deps.udpIdleMs,
      clock: deps.clock,
      onOpened: () => record.connected(),
      onDone: (end) => {
        sessions.delete(key);
        places.giveBack();
        record.end(end);
      },
    });
    sessions.set(key, bridge);
    record.follow(bridge);
    return bridge;
  };

  socket.on("message", (datagram, client) => {
    // A forged datagram may come from port 0, which nothing can be sent to.
    if (client.port === 0) return;
    const key = `${client.address} ${client.port}`;
    (sessions.get(key) ?? begin(key, client))?.send(datagram);
  });
  const close = (): void => {
    for (const session of [...sessions.values()]) session.end("going-away");
    socket.close();
  };
  return new Promise((resolve) => {
    socket.once("error", (error) => {
      socket.on("error", () => undefined);
      resolve(err(listenErrorText({ host, port: at.port }, error, "udp")));
    });
    socket.bind(at.port, host, () => resolve(ok({ wanted, close })));
  });
};
