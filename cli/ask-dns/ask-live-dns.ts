import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { type DecodedPacket, decode, encode } from "dns-packet";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { Random } from "../../runtime/random/random.ts";
import { type DirectEntry, dial } from "../packet-test/dial.ts";
import type { DnsFact } from "./dns-fact.ts";

const TIMEOUT_MS = 2_000;
/** Option code of extended errors (RFC 8914 section 2). */
const EXTENDED_ERROR = 15;

export interface LiveQuestion {
  readonly server: { readonly host: string; readonly port: number };
  readonly name: string;
  readonly type: "A" | "AAAA";
  /** How the server is reached: UDP from here, and TCP where the answer was cut; TCP alone otherwise. */
  readonly entry: DirectEntry | StreamEntry;
}

/** Something else brings bytes to the server. */
export interface StreamEntry {
  readonly kind: "stream";
  readonly open: () => Promise<Result<Duplex, string>>;
}

/** One real query to the server that clients ask. Silence is a fact, not a failure. */
export async function askLiveDns(
  question: LiveQuestion,
  deps: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal },
): Promise<DnsFact> {
  const { server, name, type, entry } = question;
  const where = isIPv6(server.host)
    ? `[${server.host}]:${server.port}`
    : `${server.host}:${server.port}`;
  const id = Math.floor(deps.random.next() * 65_536);
  const query = encode({
    type: "query",
    id,
    questions: [{ name, type }],
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  const first = entry.kind === "here" ? await askByUdp(server, query, deps) : undefined;
  const isCut = first?.ok === true && first.value.flag_tc;
  const answer =
    first === undefined || isCut ? await askByTcp({ server, entry }, query, deps) : first;
  if (!answer.ok) return { kind: "silent", server: where, why: answer.error };
  if (answer.value.id !== id) {
    return { kind: "silent", server: where, why: "its answer is to another question" };
  }
  const extended = extendedText(answer.value);
  return {
    kind: "answered",
    server: where,
    type,
    // dns-packet decodes it, its types leave it out.
    rcode: String(Reflect.get(answer.value, "rcode")),
    addresses: (answer.value.answers ?? [])
      .flatMap((record) => (record.type === "A" || record.type === "AAAA" ? [record.data] : []))
      .toSorted(),
    ...(extended === undefined ? {} : { extended }),
  };
}

function extendedText({ additionals = [] }: DecodedPacket): string | undefined {
  for (const record of additionals) {
    if (record.type !== "OPT") continue;
    for (const option of record.options) {
      // Its types know four options only.
      const [code, data]: readonly unknown[] = [option.code, Reflect.get(option, "data")];
      if (code === EXTENDED_ERROR && Buffer.isBuffer(data)) return data.subarray(2).toString();
    }
  }
  return undefined;
}

type Deps = { readonly clock: Clock; readonly signal: AbortSignal };

function askByUdp(
  { host, port }: LiveQuestion["server"],
  query: Buffer,
  { clock, signal }: Deps,
): Promise<Result<DecodedPacket, string>> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    const limit = deadline(clock, TIMEOUT_MS, signal);
    const finish = (result: Result<DecodedPacket, string>): void => {
      limit.signal.removeEventListener("abort", onLimit);
      limit[Symbol.dispose]();
      socket.close();
      resolve(result);
    };
    const onLimit = (): void => finish(err(`nothing by UDP within ${TIMEOUT_MS} ms`));
    limit.signal.addEventListener("abort", onLimit, { once: true });
    socket.once("error", (error) => finish(err(error.message)));
    socket.once("message", (message) => finish(read(message)));
    // Connected: datagrams of others do not arrive, and a port that nobody has says so at once.
    socket.connect(port, host, () => socket.send(query));
  });
}

async function askByTcp(
  { server, entry }: Pick<LiveQuestion, "server" | "entry">,
  query: Buffer,
  { clock, signal }: Deps,
): Promise<Result<DecodedPacket, string>> {
  const dialled =
    entry.kind === "stream"
      ? await entry.open()
      : await dial(entry, server, { clock, signal, timeoutMs: TIMEOUT_MS });
  if (!dialled.ok) return dialled;
  const socket: Duplex = dialled.value;
  using limit = deadline(clock, TIMEOUT_MS, signal);
  limit.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  const message = await oneMessage(socket);
  socket.destroy();
  if (!message.ok) return message;
  return message.value === undefined
    ? err(`nothing by TCP within ${TIMEOUT_MS} ms`)
    : read(message.value);
}

/** RFC 1035 section 4.2.2: two bytes of length, then the message. Undefined: the connection ended before. */
async function oneMessage(socket: Duplex): Promise<Result<Buffer | undefined, string>> {
  // BOUNDED: by the length that two bytes can hold.
  let held: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      if (!Buffer.isBuffer(chunk)) continue;
      held = Buffer.concat([held, chunk]);
      if (held.length < 2) continue;
      const end = 2 + held.readUInt16BE(0);
      if (held.length >= end) return ok(held.subarray(2, end));
    }
  } catch (error) {
    // Destroyed without a word, as by our own limit: as if it had ended.
    const why = error instanceof Error ? error.message : "";
    if (why !== "" && why !== "Premature close") return err(why);
  }
  return ok(undefined);
}

function read(message: Buffer): Result<DecodedPacket, string> {
  try {
    return ok(decode(message));
  } catch (error) {
    return err(`its answer cannot be read: ${error instanceof Error ? error.message : "?"}`);
  }
}
