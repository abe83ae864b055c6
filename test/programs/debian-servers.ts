import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { LOOPBACK, output, type Place } from "./place.ts";

export interface RealServer {
  readonly port: number;
  stop(): Promise<void>;
}

async function untilListening(place: Place, port: number, child: ChildProcess): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 30_000; ) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it listened`);
    const asked = output(place, ["bash", "-c", `: </dev/tcp/127.0.0.1/${port}`]);
    const isOpen = await asked.then(
      () => true,
      () => false,
    );
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** A program that listens on a TCP port until it is stopped. `folder` is its own, and removed. */
export async function startServer(
  place: Place,
  usualPort: number,
  argvOf: (port: number, folder: string) => readonly string[],
): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), "isthmus-server-"));
  const port = await place.port(usualPort);
  const [program = "", ...args] = place.argv(argvOf(port, folder));
  const child = spawn(program, args, { stdio: "ignore", cwd: folder });
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(place, port, child);
    return { port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function startRedis(place: Place): Promise<RealServer> {
  return startServer(place, 6379, (port) => [
    ...["redis-server", "--port", String(port), "--bind", place.listenOn],
    ...["--protected-mode", "no", "--save", "", "--appendonly", "no"],
  ]);
}

/** Of TCP and UDP, both on one port. */
export function startIperf(place: Place): Promise<RealServer> {
  return startServer(place, 5201, (port) => ["iperf3", "-s", "-p", String(port)]);
}

/** Debian's PostgreSQL, with a fresh database; trusts everybody. It refuses to run as root. */
export async function startPostgres(place: Place): Promise<RealServer> {
  const [version = ""] = readdirSync("/usr/lib/postgresql").toSorted().reverse();
  const bin = join("/usr/lib/postgresql", version, "bin");
  const isRoot = userInfo().uid === 0;
  const as = (args: readonly string[]): readonly string[] =>
    isRoot ? ["runuser", "-u", "postgres", "--", ...args] : args;
  const run = (args: readonly string[]): Promise<string> => output(place, as(args), { cwd: "/" });
  const folder = mkdtempSync(join(tmpdir(), "isthmus-postgres-"));
  if (isRoot) await output(LOOPBACK, ["chown", "postgres", folder]);
  const data = join(folder, "data");
  await run([join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "isthmus", "--no-sync"]);
  appendFileSync(join(data, "pg_hba.conf"), "host all all 0.0.0.0/0 trust\n");
  const port = await place.port(5432);
  const settings = `-p ${port} -h ${place.listenOn} -k ${folder} -F`;
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

/** Debian's unbound, which answers `web.test` with 192.0.2.7 and no other question. `more` are further lines for the server. */
export function startUnbound(
  place: Place,
  more: (port: number) => readonly string[] = () => [],
): Promise<RealServer> {
  return startServer(place, 53, (port, folder) => {
    const file = join(folder, "unbound.conf");
    writeFileSync(
      file,
      `server:
  do-daemonize: no
  interface: ${place.listenOn}
  port: ${port}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  local-zone: "test." static
  local-data: "web.test. 60 IN A 192.0.2.7"
${more(port)
  .map((line) => `  ${line}\n`)
  .join("")}remote-control:
  control-enable: no
`,
    );
    return ["unbound", "-d", "-c", file];
  });
}
