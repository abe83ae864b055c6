import { join } from "node:path";
import type { Sysctl } from "../plan/kernel-state.ts";
import type { Files } from "./system-files.ts";

/** What the kernel changes along with a setting, in these directories: it has to be put back too. */
const SIDE_EFFECTS: Readonly<
  Record<string, { readonly directory: string; readonly names: readonly string[] }>
> = {
  "net/ipv4/ip_forward": {
    directory: "net/ipv4/conf",
    names: ["forwarding", "accept_redirects"],
  },
  "net/ipv6/conf/all/forwarding": { directory: "net/ipv6/conf", names: ["forwarding"] },
};

export interface SysctlsOptions {
  /** Where the kernel's settings are, as a rule /proc/sys: a container may write to them elsewhere. */
  readonly procSys: string;
  /** Shared by everything of ours on the machine: who comes first notes what it found, who leaves last puts it back. */
  readonly directory: string;
  /** Who we are among them. */
  readonly owner: string;
}

/** Kernel settings that we need otherwise than we found them. */
export class Sysctls {
  readonly #options: SysctlsOptions;
  readonly #files: Files;

  constructor(options: SysctlsOptions, files: Files) {
    this.#options = options;
    this.#files = files;
  }

  /** Notes what is there before it changes anything. */
  async apply(wanted: readonly Sysctl[]): Promise<void> {
    for (const { path, value, ofLink } of wanted) {
      const file = join(this.#options.procSys, path);
      const found = (await this.#files.read(file))?.trim();
      if (found === undefined) continue;
      if (ofLink === undefined) {
        await this.#files.create(
          this.#note(path),
          JSON.stringify(await this.#snapshot(path, found)),
        );
        await this.#files.replace(`${this.#note(path)}.used-by-${this.#options.owner}`, "");
      }
      if (found !== value) await this.#files.write(file, value);
    }
  }

  /** Puts back what nobody else of ours needs any more. */
  async restore(): Promise<void> {
    const { directory, owner } = this.#options;
    const suffix = `.used-by-${owner}`;
    for (const name of await this.#files.list(directory)) {
      if (!name.endsWith(suffix)) continue;
      await this.#files.remove(join(directory, name));
      const note = name.slice(0, -suffix.length);
      const others = await this.#files.list(directory);
      if (others.some((other) => other.startsWith(`${note}.used-by-`))) continue;
      await this.#putBack(join(directory, note));
    }
    await this.#files.removeDirectory(directory);
  }

  async #putBack(note: string): Promise<void> {
    const found = JSON.parse((await this.#files.read(note)) ?? "{}") as Record<string, unknown>;
    for (const [path, value] of Object.entries(found)) {
      const file = join(this.#options.procSys, path);
      const now = (await this.#files.read(file))?.trim();
      if (now !== undefined && typeof value === "string" && now !== value) {
        await this.#files.write(file, value);
      }
    }
    await this.#files.remove(note);
  }

  /** The setting first: what it changes along with itself is put back after it. */
  async #snapshot(path: string, value: string): Promise<Readonly<Record<string, string>>> {
    const snapshot: Record<string, string> = { [path]: value };
    const along = SIDE_EFFECTS[path];
    if (along === undefined) return snapshot;
    for (const device of await this.#files.list(join(this.#options.procSys, along.directory))) {
      for (const name of along.names) {
        const sibling = `${along.directory}/${device}/${name}`;
        const found = await this.#files.read(join(this.#options.procSys, sibling));
        if (found !== undefined && sibling !== path) snapshot[sibling] = found.trim();
      }
    }
    return snapshot;
  }

  #note(path: string): string {
    return join(this.#options.directory, path.replaceAll("/", "__"));
  }
}
