import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";

/** Runs a program; what it wrote. Throws with what it said when it fails. */
export async function output(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<string> {
  const running = promisify(execFile)(program, [...args], {
    maxBuffer: 1 << 26,
    timeout: 60_000,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  running.child.stdin?.end(options.input);
  return (await running).stdout;
}

export interface RealServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** A port that nobody had a moment ago, for TCP and for UDP. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 30_000; ) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it listened`);
    const socket = connect(port, "127.0.0.1");
    const isOpen = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** A program that listens on a TCP port until it is stopped. `folder` is its own, and removed. */
export async function startServer(
  program: string,
  argsOf: (port: number, folder: string) => readonly string[],
): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), "isthmus-server-"));
  const port = await freePort();
  const child = spawn(program, argsOf(port, folder), { stdio: "ignore", cwd: folder });
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(port, child);
    return { port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Debian's PostgreSQL, with a fresh database; trusts everybody on loopback. It refuses to run as root. */
export async function startPostgres(): Promise<RealServer> {
  const [version = ""] = readdirSync("/usr/lib/postgresql").toSorted().reverse();
  const bin = join("/usr/lib/postgresql", version, "bin");
  const isRoot = userInfo().uid === 0;
  const as = (args: readonly string[]): readonly string[] =>
    isRoot ? ["runuser", "-u", "postgres", "--", ...args] : args;
  const run = (args: readonly string[]): Promise<string> => {
    const [program = "", ...rest] = as(args);
    return output(program, rest, { cwd: "/" });
  };
  const folder = mkdtempSync(join(tmpdir(), "isthmus-postgres-"));
  if (isRoot) await output("chown", ["postgres", folder]);
  const data = join(folder, "data");
  await run([join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "isthmus", "--no-sync"]);
  const port = await freePort();
  const settings = `-p ${port} -h 127.0.0.1 -k ${folder} -F`;
  const control = [join(bin, "pg_ctl"), "-D", data, "-w", "-l", join(folder, "log")];
  await run([...control, "-o", settings, "start"]);
  return {
    port,
    async stop() {
      await run([...control, "-m", "immediate", "stop"]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Debian's unbound, which answers `web.test` with 192.0.2.7 and no other question. */
export function startUnbound(): Promise<RealServer> {
  return startServer("unbound", (port, folder) => {
    const file = join(folder, "unbound.conf");
    writeFileSync(
      file,
      `server:
  do-daemonize: no
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  local-zone: "test." static
  local-data: "web.test. 60 IN A 192.0.2.7"
remote-control:
  control-enable: no
`,
    );
    return ["-d", "-c", file];
  });
}

const OPCODE_CLOSE = 8;

/** A WebSocket server (RFC 6455) that says back each short text message. */
export async function startWebSocketEcho(): Promise<RealServer> {
  const server = createHttpServer();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      // FIN and opcode, mask bit and a length below 126, four bytes of mask, payload.
      for (;;) {
        const [first = 0, second = 0] = held;
        const end = 6 + (second & 0x7f);
        if (held.length < end) return;
        const mask = held.subarray(2, 6);
        const payload = held.subarray(6, end).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
        socket.write(Buffer.concat([Uint8Array.of(first, payload.length), payload]));
        if ((first & 0xf) === OPCODE_CLOSE) socket.end();
        held = held.subarray(end);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, stop: async () => void server.close() };
}
