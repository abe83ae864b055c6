import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { RunCommand } from "../linux/run-command.ts";
import { type Handshakes, handshakeOf } from "./peer-keys.ts";

/** A session without a handshake for so long has ended (the protocol's own limit, REJECT_AFTER_TIME). */
const HANDSHAKE_LIFE_S = 180;
const LINKS = z.array(z.object({ ifname: z.string().default("") }));

/** WireGuard devices of the machine: by the kernel where it can, by a process of `wireguard-go` each where it cannot. */
export class WireguardDevices {
  readonly #run: RunCommand;
  readonly #prefix: string;
  /** Configurations in force. BOUNDED: by our devices. */
  readonly #configs = new Map<string, string>();

  constructor(prefix: string, run: RunCommand) {
    this.#prefix = prefix;
    this.#run = run;
  }

  async list(signal: AbortSignal): Promise<Result<readonly string[], string>> {
    const listed = await this.#run({ program: "ip", args: ["-json", "link", "show"] }, signal);
    if (!listed.ok) return listed;
    try {
      const links = LINKS.parse(JSON.parse(listed.value));
      return ok(links.map(({ ifname }) => ifname).filter((name) => name.startsWith(this.#prefix)));
    } catch (cause) {
      return err(`cannot read links: ${String(cause)}`);
    }
  }

  async create(
    name: string,
    { address, mtu }: { readonly address: string; readonly mtu: number },
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    this.#configs.delete(name);
    const byKernel = await this.#ip(["link", "add", "dev", name, "type", "wireguard"], signal);
    if (!byKernel.ok) {
      // It goes into the background by itself, outlives us as a device of the kernel would, and ends with its device.
      const script = 'exec wireguard-go "$0" </dev/null >/dev/null 2>&1';
      const byProcess = await this.#run({ program: "sh", args: ["-c", script, name] }, signal);
      if (!byProcess.ok) return err(`${byKernel.error}; and ${byProcess.error}`);
    }
    for (const args of [
      ["link", "set", "dev", name, "addrgenmode", "none"],
      ["link", "set", "dev", name, "mtu", `${mtu}`],
      ["-6", "address", "replace", `${address}/128`, "dev", name, "nodad"],
      ["link", "set", "dev", name, "up"],
    ]) {
      const done = await this.#ip(args, signal);
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  /** Does nothing when it is in force already. */
  async configure(
    name: string,
    config: string,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    if (this.#configs.get(name) === config) return ok(undefined);
    // Our end of standard input is a socket, which /dev/stdin cannot be opened again as; behind `cat` it is a pipe.
    const script = 'cat | wg syncconf "$0" /dev/stdin';
    const args = ["-c", script, name];
    const done = await this.#run({ program: "sh", args, input: config }, signal);
    if (!done.ok) return done;
    this.#configs.set(name, config);
    return ok(undefined);
  }

  async remove(name: string, signal: AbortSignal): Promise<Result<void, string>> {
    this.#configs.delete(name);
    return this.#ip(["link", "del", "dev", name], signal);
  }

  /** With whom each device has a session now. */
  async handshakes(nowMs: number, signal: AbortSignal): Promise<Result<Handshakes, string>> {
    const args = ["show", "all", "latest-handshakes"];
    const shown = await this.#run({ program: "wg", args }, signal);
    if (!shown.ok) return shown;
    const recent = shown.value.split("\n").flatMap((line) => {
      const [device = "", publicKey = "", seconds = "0"] = line.split("\t");
      const ageS = nowMs / 1_000 - Number(seconds);
      return Number(seconds) > 0 && ageS < HANDSHAKE_LIFE_S ? [handshakeOf(device, publicKey)] : [];
    });
    return ok(new Set(recent));
  }

  async #ip(args: readonly string[], signal: AbortSignal): Promise<Result<void, string>> {
    const done = await this.#run({ program: "ip", args }, signal);
    return done.ok ? ok(undefined) : done;
  }
}
