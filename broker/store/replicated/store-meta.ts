import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";

const FORMAT_VERSION = 1;
const schema = z.object({ formatVersion: z.literal(FORMAT_VERSION), epoch: z.string().min(1) });

/** What the contents of a space are. */
export interface StoreMeta {
  /** Random identity of the contents. */
  readonly epoch: string;
}

export function encodeMeta({ epoch }: StoreMeta): Uint8Array {
  return Buffer.from(JSON.stringify({ formatVersion: FORMAT_VERSION, epoch }));
}

/** Error: of another version of the format, or damaged. */
export function parseMeta(bytes: Uint8Array): Result<StoreMeta, string> {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return err(`store's meta must be JSON: got ${bytes.length} bytes of something else`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return ok({ epoch: parsed.data.epoch });
  const [issue] = parsed.error.issues;
  return err(`store's meta: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
}
