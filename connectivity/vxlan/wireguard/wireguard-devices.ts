import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { RunCommand } from "../linux/run-command.ts";
import { type DevicePeers, peerChanges } from "./device-peers.ts";
import type { RingKey } from "./key-ring.ts";
import { type Handshakes, type Received, sessionName } from "./sessions.ts";

/** A session without a handshake for so long has ended (the protocol's own limit, REJECT_AFTER_TIME). */
const HANDSHAKE_LIFE_S = 180;
const LINKS = z.array(z.object({ ifname: z.string().default("") }));

/** WireGuard devices of the machine: by the kernel where it can, by a process of `wireguard-go` each where it cannot. */
export class WireguardDevices {
  readonly #run: RunCommand;
  readonly #prefix: string;
  /** Peers of those that we brought to what they should be. BOUNDED: by our devices. */
  readonly #peers = new Map<string, DevicePeers>();

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
    this.#peers.delete(name);
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

  /** Brings it to its key, port and peers; says nothing of what is in force already, so that no session is disturbed. */
  async configure(
    name: string,
    { privateKey, publicKey, port }: Pick<RingKey, "privateKey" | "publicKey" | "port">,
    wanted: DevicePeers,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    let present = this.#peers.get(name);
    // Until all of it has been done, it is not known how far it got.
    this.#peers.delete(name);
    if (present === undefined) {
      const own = await this.#ownKey(name, { privateKey, publicKey, port }, signal);
      if (!own.ok) return own;
      const found = await this.#show(name, "endpoints", signal);
      if (!found.ok) return found;
      present = new Map(found.value.map(([key = "", endpoint = ""]) => [key, endpoint]));
    }
    for (const change of peerChanges(present, wanted)) {
      const done = await this.#run({ program: "wg", args: ["set", name, ...change] }, signal);
      if (!done.ok) return done;
    }
    this.#peers.set(name, wanted);
    return ok(undefined);
  }

  async remove(name: string, signal: AbortSignal): Promise<Result<void, string>> {
    this.#peers.delete(name);
    return this.#ip(["link", "del", "dev", name], signal);
  }

  /** With whom each device has a session now. */
  async handshakes(nowMs: number, signal: AbortSignal): Promise<Result<Handshakes, string>> {
    const shown = await this.#show("all", "latest-handshakes", signal);
    if (!shown.ok) return shown;
    const recent = shown.value.filter(([, , seconds = "0"]) => {
      const ageS = nowMs / 1_000 - Number(seconds);
      return Number(seconds) > 0 && ageS < HANDSHAKE_LIFE_S;
    });
    return ok(new Set(recent.map(([device = "", key = ""]) => sessionName(device, key))));
  }

  async received(signal: AbortSignal): Promise<Result<Received, string>> {
    const shown = await this.#show("all", "transfer", signal);
    if (!shown.ok) return shown;
    const bytes = shown.value.map(
      ([device = "", key = "", received = "0"]) =>
        [sessionName(device, key), Number(received)] as const,
    );
    return ok(new Map(bytes));
  }

  /** One that an earlier process of ours made has them already, unless that process ended halfway. */
  async #ownKey(
    name: string,
    { privateKey, publicKey, port }: Pick<RingKey, "privateKey" | "publicKey" | "port">,
    signal: AbortSignal,
  ): Promise<Result<void, string>> {
    const key = await this.#show(name, "public-key", signal);
    if (!key.ok) return key;
    const listening = await this.#show(name, "listen-port", signal);
    if (!listening.ok) return listening;
    if (key.value[0]?.[0] === publicKey && listening.value[0]?.[0] === `${port}`) {
      return ok(undefined);
    }
    const input = `[Interface]\nPrivateKey = ${privateKey}\nListenPort = ${port}\n`;
    // Our end of standard input is a socket, which /dev/stdin cannot be opened again as; behind `cat` it is a pipe.
    const script = 'cat | wg setconf "$0" /dev/stdin';
    const done = await this.#run({ program: "sh", args: ["-c", script, name], input }, signal);
    return done.ok ? ok(undefined) : done;
  }

  /** Lines of `wg show`, in fields. */
  async #show(
    device: string,
    what: string,
    signal: AbortSignal,
  ): Promise<Result<readonly (readonly string[])[], string>> {
    const shown = await this.#run({ program: "wg", args: ["show", device, what] }, signal);
    if (!shown.ok) return shown;
    const lines = shown.value.split("\n").filter((line) => line !== "");
    return ok(lines.map((line) => line.split("\t")));
  }

  async #ip(args: readonly string[], signal: AbortSignal): Promise<Result<void, string>> {
    const done = await this.#run({ program: "ip", args }, signal);
    return done.ok ? ok(undefined) : done;
  }
}
