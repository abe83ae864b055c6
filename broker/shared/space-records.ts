import { invariant } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Space, SpaceError } from "../store/space/space.ts";
import {
  SHARED_KEY,
  SHARED_TEXT_MAX,
  type SharedRecord,
  type SharedRecords,
} from "./shared-records.ts";

const PREFIX = "shared";

/** Shared records as items of a space that all replicas reach. */
export class SpaceRecords implements SharedRecords {
  readonly #space: Space;

  constructor(space: Space) {
    this.#space = space;
  }

  async read(key: string): Promise<Result<SharedRecord | undefined, string>> {
    const name = nameOf(key);
    const found = await this.#space.read(name);
    if (!found.ok) return failed("read", found.error);
    if (found.value === undefined) return ok(undefined);
    const { data, version } = found.value;
    return ok({ key, text: Buffer.from(data).toString("utf8"), revision: version });
  }

  async create(key: string, text: string): Promise<Result<boolean, string>> {
    const created = await this.#space.create({ name: nameOf(key), data: dataOf(text) });
    if (created.ok) return ok(true);
    return created.error.kind === "conflict" ? ok(false) : failed("create", created.error);
  }

  async replace(key: string, text: string, revision: string): Promise<Result<boolean, string>> {
    const write = { name: nameOf(key), data: dataOf(text) };
    const replaced = await this.#space.replace(write, revision);
    if (replaced.ok) return ok(true);
    return replaced.error.kind === "conflict" ? ok(false) : failed("replace", replaced.error);
  }

  list(group: string): Promise<Result<readonly SharedRecord[], string>> {
    return this.#list(`${PREFIX}-${group}.`);
  }

  all(): Promise<Result<readonly SharedRecord[], string>> {
    return this.#list("");
  }

  async delete(key: string): Promise<Result<void, string>> {
    const removed = await this.#space.remove(nameOf(key));
    return removed.ok ? ok(undefined) : failed("delete", removed.error);
  }

  async #list(prefix: string): Promise<Result<readonly SharedRecord[], string>> {
    const listed = await this.#space.list(prefix);
    if (!listed.ok) return failed("list", listed.error);
    const records: SharedRecord[] = [];
    for (const { name, data, version } of listed.value) {
      const key = keyOf(name);
      if (key === undefined) continue;
      records.push({ key, text: Buffer.from(data).toString("utf8"), revision: version });
    }
    return ok(records);
  }
}

/** Names of items know lower case only: other characters are written as a minus and their code. */
function nameOf(key: string): string {
  invariant(SHARED_KEY.test(key), "a shared record's key is name or group/name");
  const [first = "", second] = key.split("/");
  if (second === undefined) return `${PREFIX}.${first}`;
  const written = second.replaceAll(
    /[^a-z0-9]/g,
    (char) => `-${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `${PREFIX}-${first}.x${written}`;
}

/** Undefined: not the name of a record. */
function keyOf(name: string): string | undefined {
  const single = /^shared\.([a-z-]+)$/.exec(name)?.[1];
  if (single !== undefined) return single;
  const [, group, written] = /^shared-([a-z-]+)\.x([a-z0-9-]+)$/.exec(name) ?? [];
  if (group === undefined || written === undefined) return undefined;
  const second = written.replaceAll(/-([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return `${group}/${second}`;
}

function dataOf(text: string): Uint8Array {
  invariant(text.length <= SHARED_TEXT_MAX, "a shared record is small");
  return Buffer.from(text, "utf8");
}

function failed(verb: string, { text }: SpaceError): Result<never, string> {
  return err(`cannot ${verb} shared record: ${text}`);
}
