import type { LogFile, StoreFolder } from "./store-folder.ts";

interface Inode {
  written: Uint8Array;
  /** Bytes that a crash leaves. */
  synced: number;
}

/** For tests: a folder in memory that loses what was not synced when `crash` is called, and fails on demand. */
export class FaultyFolder implements StoreFolder {
  readonly #files = new Map<string, Inode>();
  /** Operations fail while set, appends after half of their bytes, as on a full disk. */
  fault:
    | { readonly on: "append" | "sync" | "rename" | "create"; readonly text: string }
    | undefined;
  /** Each sync waits for what this gives: a slow disk, or one that hangs. */
  syncing: () => Promise<void> = () => Promise.resolve();

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#files.keys()]);
  }

  async read(name: string): Promise<Uint8Array> {
    return Uint8Array.from(this.#inode(name).written);
  }

  async create(name: string): Promise<LogFile> {
    this.#check("create");
    const inode = { written: new Uint8Array(), synced: 0 };
    this.#files.set(name, inode);
    return this.#open(inode);
  }

  async reopen(name: string, bytes: number): Promise<LogFile> {
    const inode = this.#inode(name);
    inode.written = inode.written.slice(0, bytes);
    inode.synced = bytes;
    return this.#open(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check("rename");
    this.#files.set(to, this.#inode(from));
    this.#files.delete(from);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  /** Power is lost: of each file the synced part is left, and `tornBytes` of what was written after it. */
  crash(tornBytes = 0): void {
    for (const inode of this.#files.values()) {
      inode.written = inode.written.slice(0, inode.synced + tornBytes);
    }
  }

  /** Changes one byte of a file. */
  corrupt(name: string, at: number): void {
    const { written } = this.#inode(name);
    written[at] = (written[at] ?? 0) ^ 0xff;
  }

  size(name: string): number {
    return this.#inode(name).written.length;
  }

  #open(inode: Inode): LogFile {
    return {
      append: async (bytes) => {
        const part = this.fault?.on === "append" ? bytes.subarray(0, bytes.length >> 1) : bytes;
        inode.written = Uint8Array.from(Buffer.concat([inode.written, part]));
        this.#check("append");
      },
      sync: async () => {
        await this.syncing();
        this.#check("sync");
        inode.synced = inode.written.length;
      },
      close: () => Promise.resolve(),
    };
  }

  #inode(name: string): Inode {
    const inode = this.#files.get(name);
    if (inode === undefined) throw new Error(`ENOENT: no such file: ${name}`);
    return inode;
  }

  #check(operation: "append" | "sync" | "rename" | "create"): void {
    if (this.fault?.on === operation) throw new Error(this.fault.text);
  }
}
