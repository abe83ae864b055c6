import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { promisify } from "node:util";
import { within } from "../../sandbox/network/netns/run-commands.ts";

/** Where a program runs, and so whom it can reach. */
export interface Place {
  /** The command line that runs a program there; the process is the program itself. */
  readonly argv: (args: readonly string[]) => readonly string[];
  /** On which address servers listen. */
  readonly listenOn: string;
  /** A port that nobody has there: the usual one where nobody else runs anything. */
  readonly port: (usual: number) => Promise<number>;
}

/** This machine, which others use too. */
export const LOOPBACK: Place = {
  argv: (args) => args,
  listenOn: "127.0.0.1",
  port: freePort,
};

/** A network namespace of the test's own. */
export function inNamespace(namespace: string): Place {
  return {
    argv: (args) => within(namespace, args),
    listenOn: "0.0.0.0",
    port: (usual) => Promise.resolve(usual),
  };
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

/** Runs a program; what it wrote. Throws with what it said when it fails. */
export async function output(
  place: Place,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<string> {
  const [program = "", ...rest] = place.argv(args);
  const running = promisify(execFile)(program, rest, {
    maxBuffer: 1 << 26,
    timeout: 60_000,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  running.child.stdin?.end(options.input);
  return (await running).stdout;
}
