import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Batch, BrokerMessage } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { LIMITS } from "./limits.ts";

/** In Hello and Welcome: the member takes several messages in one. */
export const BATCH_CAPABILITY = "batch";

/** Any message but the one that holds others. */
export type SingleMessage = Exclude<NonNullable<BrokerMessage["message"]>, { $case: "batch" }>;

/** Encoded messages that go into one batch: beyond, more of it would hardly compress better. */
export const BATCH_BYTES = 128 * 1024;

/** Below, a frame saves less than it costs. */
const COMPRESS_FROM_BYTES = 1024;

/** Rows are much alike: higher levels cost several times as much and save little. */
const LEVEL = 1;

/** What a decoder may have to look back: a frame that asks for more is refused before room is made for it. */
const WINDOW_LOG_MAX = 20;

const BATCH_TAG = (15 << 3) | 2;
const MESSAGES_TAG = (1 << 3) | 2;
const ZSTD_TAG = (2 << 3) | 2;
const SIZE_TAG = 3 << 3;

/** A BrokerMessage that holds these encoded ones, which are copied as they are. */
export function packBatch(messages: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const message of messages) writer.uint32(MESSAGES_TAG).bytes(message);
  const plain = writer.finish();
  if (plain.length < COMPRESS_FROM_BYTES) return wrap(plain);
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  const zstd = zstdCompressSync(plain, { params });
  if (zstd.length >= plain.length) return wrap(plain);
  return wrap(
    new BinaryWriter().uint32(ZSTD_TAG).bytes(zstd).uint32(SIZE_TAG).uint32(plain.length).finish(),
  );
}

/** The messages of a batch, in order; undefined: of a kind that is not known here. Error: it breaks the protocol. */
export function unpackBatch(batch: Batch): Result<readonly (SingleMessage | undefined)[], string> {
  try {
    const plain = batch.zstd.length === 0 ? ok(batch) : inflate(batch);
    if (!plain.ok) return plain;
    const messages: (SingleMessage | undefined)[] = [];
    for (const bytes of plain.value.messages) {
      const { message } = BrokerMessage.decode(bytes);
      if (message?.$case === "batch") return err("batch must hold single messages: got a batch");
      messages.push(message);
    }
    return ok(messages);
  } catch (error) {
    return err(`batch must hold readable messages: ${String(error)}`);
  }
}

/** Throws what zlib throws: the frame is damaged, or holds more than `size`. */
function inflate({ zstd, size }: Batch): Result<Batch, string> {
  if (size > LIMITS.messageBytes) {
    return err(`batch must be at most ${LIMITS.messageBytes} bytes: got ${size}`);
  }
  const plain = zstdDecompressSync(zstd, {
    maxOutputLength: Math.max(1, size),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  });
  if (plain.length === size) return ok(Batch.decode(plain));
  return err(`batch must be of the size it names, ${size}: got ${plain.length}`);
}

function wrap(batch: Uint8Array): Uint8Array {
  return new BinaryWriter().uint32(BATCH_TAG).bytes(batch).finish();
}
