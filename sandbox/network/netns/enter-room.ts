import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";

/** The namespace outside of the room has this name inside. */
export const OUTSIDE = "outside";
const NAMES = "/run/netns";

/** Named namespaces of the room are in a file system of its own, which goes with the room. */
const PREPARE = [
  `mkdir -p ${NAMES}`,
  `mount -t tmpfs isthmus ${NAMES}`,
  `touch ${NAMES}/${OUTSIDE}`,
  `mount --bind /proc/self/ns/net ${NAMES}/${OUTSIDE}`,
  `exec unshare --net -- sh -c 'ip link set lo up && exec "$@"' sh "$@"`,
].join(" && ");

/** Whether this process is in a room, and may do as it likes with links, routes and rules. */
export function isInRoom(): boolean {
  return existsSync(`${NAMES}/${OUTSIDE}`);
}

/** Why no room can be entered; undefined: it can. */
export function whyNoRoom(
  programs: readonly string[],
  path: string | undefined,
): string | undefined {
  if (process.platform !== "linux") return "it needs Linux: network namespaces";
  if (process.getuid?.() !== 0) return "it needs root, to make network namespaces: use sudo";
  const folders = [...(path ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing = [...programs, "ip", "unshare"].filter(
    (program) => !folders.some((folder) => existsSync(`${folder}/${program}`)),
  );
  return missing.length === 0
    ? undefined
    : `these programs must be installed: ${missing.join(", ")}`;
}

/**
 * Runs a program in a room: namespaces of its own for the network, mounts and processes. The kernel removes
 * all of it, links, routes, rules, names and processes, when the program ends or this process dies, however that
 * happens; the machine's own network is not touched. Resolves to the program's exit code.
 */
export function runInRoom(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const child = spawn(
    // The room ends with us even when we are killed; --kill-child hands that on to everything in it.
    "setpriv",
    [
      ...[
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
      ],
      ...["--kill-child", "--mount-proc", "sh", "-c", PREPARE, "sh", ...argv],
    ],
    { stdio: "inherit", env: { ...env } },
  );
  const pass = (signal: NodeJS.Signals): void => {
    const inner = firstChildOf(child.pid);
    if (inner !== undefined) process.kill(inner, signal);
  };
  // The terminal sends Ctrl-C to the program too; we wait for it.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  process.on("SIGTERM", pass);
  process.on("SIGHUP", pass);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", pass);
      process.off("SIGHUP", pass);
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** `unshare` waits for its one child, the program, and passes no signal on. */
function firstChildOf(pid: number | undefined): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return child === undefined || child === "" ? undefined : Number(child);
  } catch {
    return undefined;
  }
}
