import { spawnSync } from "node:child_process";
import type { Result } from "../../../api/result.ts";
import { commandRunner, type RunCommand } from "../../../connectivity/vxlan/linux/run-command.ts";
import { type Files, systemFiles } from "../../../connectivity/vxlan/linux/system-files.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";

/** A machine of its own: a network namespace, whose name begins with `vx-`. */
export class NetLab {
  /** BOUNDED: by what the test makes. */
  readonly #namespaces: string[] = [];

  constructor() {
    if (process.getuid?.() !== 0) throw new Error("network namespaces need root: run as root");
  }

  namespace(name: string): string {
    const full = `vx-${process.pid}-${name}`;
    this.sh(`ip netns add ${full}`);
    this.#namespaces.push(full);
    // No address is tentative at first: what changes is what we change.
    this.in(full, "sysctl -qw net.ipv6.conf.default.accept_dad=0; ip link set lo up");
    return full;
  }

  /** Standard output of a shell script; throws with what it said when it fails. */
  sh(script: string): string {
    const { status, stdout, stderr } = spawnSync("sh", ["-e"], { input: script, encoding: "utf8" });
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  }

  in(namespace: string, script: string): string {
    return this.sh(`ip netns exec ${namespace} sh -e <<'EOS'\n${script}\nEOS`);
  }

  /** Waits until somebody listens at a TCP port. */
  listening(namespace: string, port: number): void {
    this.in(
      namespace,
      `for look in $(seq 600); do ss -Hltn "sport = :${port}" | grep -q . && exit 0; sleep 0.1; done
echo "nobody listens at ${port} in ${namespace}" >&2; exit 1`,
    );
  }

  /** Everything a program of ours could have changed on a machine, as text. */
  state(namespace: string): string {
    return this.in(
      namespace,
      `ip -d link show | sed 's/link-netns[^ ]* [^ ]*//'
ip addr show
ip -4 route show table all
ip -6 route show table all
ip -4 rule show
ip -6 rule show
ip nexthop show
tc qdisc show
nft list tables | sort | while read table; do nft list $table; done
grep -rs . /proc/sys/net/ipv4 /proc/sys/net/ipv6 | sort`,
    );
  }

  close(): void {
    for (const namespace of this.#namespaces) {
      spawnSync("sh", [], {
        input: `ip netns pids ${namespace} | xargs -r kill -9; ip netns del ${namespace}`,
      });
    }
    this.#namespaces.length = 0;
  }
}

/** Commands run inside the namespace, with the same words as outside. */
export function runIn(namespace: string): RunCommand {
  const run = commandRunner(systemClock);
  return ({ program, args, input }, signal): Promise<Result<string, string>> =>
    run(
      {
        program: "ip",
        args: ["netns", "exec", namespace, program, ...args],
        ...(input !== undefined && { input }),
      },
      signal,
    );
}

/** Kernel settings of the namespace, other files as they are. */
export function filesIn(lab: NetLab, namespace: string): Files {
  const isSetting = (path: string) => path.startsWith("/proc/sys/");
  return {
    ...systemFiles,
    read: async (path) => {
      if (!isSetting(path)) return systemFiles.read(path);
      const text = lab.in(namespace, `if [ -e ${path} ]; then cat ${path}; else echo absent; fi`);
      return text === "absent\n" ? undefined : text;
    },
    write: async (path, text) => {
      if (!isSetting(path)) return systemFiles.write(path, text);
      lab.in(namespace, `echo '${text}' > ${path}`);
    },
    list: async (path) =>
      isSetting(path)
        ? lab.in(namespace, `ls ${path} 2>/dev/null || true`).split("\n").filter(Boolean)
        : systemFiles.list(path),
  };
}
