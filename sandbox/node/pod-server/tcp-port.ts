import { createServer, type Server, type Socket } from "node:net";
import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { type HostPort, listenTcp } from "../../network/loopback.ts";
import { HttpResponder } from "./http-responder.ts";
import { bannerOf, type PodIdentity } from "./pod-identity.ts";
import { sniffHttp } from "./sniff-http.ts";

/** How long a silent client may be about to speak HTTP before the pod speaks first. */
const SERVER_FIRST_DELAY_MS = 250;
/** BOUNDED: more connections to one pod port than this are closed at once. */
const MAX_CONNECTIONS = 2048;

export interface PodPortDeps {
  readonly clock: Clock;
  /** The cluster address behind a connection, if it is known. */
  readonly clientIpOf: (socket: Socket) => string | undefined;
}

/** One TCP port of a pod: HTTP/1.1 to clients that speak it, otherwise `pod ip <podIP>` and an echo. */
export class TcpPort {
  readonly #server: Server;
  readonly #http: HttpResponder;
  readonly #banner: string;
  readonly #clock: Clock;
  /** BOUNDED: by MAX_CONNECTIONS. */
  readonly #sockets = new Set<Socket>();

  constructor(identity: PodIdentity, port: number, deps: PodPortDeps) {
    this.#clock = deps.clock;
    this.#banner = bannerOf(identity);
    this.#http = new HttpResponder(identity, port, deps);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves to the port: any of loopback's unless another address is given. */
  start(at: HostPort = { host: "127.0.0.1", port: 0 }): Promise<Result<number, string>> {
    return listenTcp(this.#server, at);
  }

  /** Ends open connections too. */
  async stop(): Promise<void> {
    this.#http.stop();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    let seen: Uint8Array = new Uint8Array(0);
    const decide = (choice: "http" | "other"): void => {
      timer.cancel();
      socket.removeListener("data", onData);
      socket.removeListener("end", onSilence);
      socket.pause();
      if (seen.length > 0) socket.unshift(seen);
      if (choice === "http") this.#http.take(socket);
      else this.#echo(socket);
    };
    const onSilence = (): void => decide("other");
    const onData = (bytes: Buffer): void => {
      seen = Buffer.concat([seen, bytes]);
      const choice = sniffHttp(seen);
      if (choice !== "undecided") {
        decide(choice);
        return;
      }
      timer.cancel();
      timer = this.#clock.setTimer(SERVER_FIRST_DELAY_MS, onSilence);
    };
    let timer = this.#clock.setTimer(SERVER_FIRST_DELAY_MS, onSilence);
    socket.once("close", () => timer.cancel());
    socket.on("data", onData);
    socket.once("end", onSilence);
  }

  /** The banner, then every byte back, then a FIN for a FIN. */
  #echo(socket: Socket): void {
    socket.write(this.#banner);
    if (socket.readableEnded) socket.end();
    else socket.pipe(socket);
  }
}
