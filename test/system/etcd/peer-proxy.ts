import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** A TCP proxy in front of one etcd member's peer port, which knows by the kernel's tables whose connection it carries. */
export class PeerProxy {
  readonly #server: Server;
  /** BOUNDED: by the connections between members. */
  readonly #pairs = new Map<Socket, { readonly from: number | undefined; readonly to: Socket }>();
  #isCut: (fromPid: number | undefined) => boolean = () => false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(
    listenPort: number,
    targetPort: number,
    pids: () => readonly number[],
  ): Promise<PeerProxy> {
    const server = createServer({ pauseOnConnect: true });
    const proxy = new PeerProxy(server);
    server.on("connection", (from) => {
      from.on("error", () => from.destroy());
      const pid = ownerOf({ local: from.remotePort ?? 0, remote: listenPort }, pids());
      if (proxy.#isCut(pid)) {
        from.destroy();
        return;
      }
      const to = dial(targetPort, "127.0.0.1");
      to.on("error", () => from.destroy());
      to.on("close", () => from.destroy());
      from.on("close", () => {
        proxy.#pairs.delete(from);
        to.destroy();
      });
      proxy.#pairs.set(from, { from: pid, to });
      from.pipe(to);
      to.pipe(from);
      from.resume();
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listenPort, "127.0.0.1", resolve);
    });
    return proxy;
  }

  /** Connections of such processes end, and no others come. */
  cut(isCut: (fromPid: number | undefined) => boolean): void {
    this.#isCut = isCut;
    for (const [socket, { from }] of this.#pairs) if (isCut(from)) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#pairs.keys()) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The two ports of a loopback connection, as its dialling side sees them. */
interface Ports {
  readonly local: number;
  readonly remote: number;
}

/** Which of these processes dialled it. */
function ownerOf(ports: Ports, pids: readonly number[]): number | undefined {
  const inode = inodeOf(ports);
  if (inode === undefined) return undefined;
  return pids.find((pid) => holds(pid, `socket:[${inode}]`));
}

function inodeOf({ local, remote }: Ports): string | undefined {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, from, to, , , , , , , inode] = line.trim().split(/\s+/);
    if (from?.endsWith(suffix(local)) === true && to?.endsWith(suffix(remote)) === true) {
      return inode;
    }
  }
  return undefined;
}

function suffix(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

function holds(pid: number, link: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`) === link;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
