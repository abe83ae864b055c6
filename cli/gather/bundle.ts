import { gzipSync } from "node:zlib";
import type { Collected } from "./collect-objects.ts";
import { tarOf } from "./tar.ts";

/** The archive, no larger than `maxBytes` before it is packed: what comes last goes first, and the list says so. */
export function bundleOf(
  files: readonly Collected[],
  { maxBytes, nowMs }: { readonly maxBytes: number; readonly nowMs: number },
): Buffer {
  let size = 0;
  const taken: Collected[] = [];
  const lines: string[] = [];
  for (const file of files) {
    const bytes = Buffer.byteLength(file.text);
    const fits = size + bytes <= maxBytes;
    lines.push(
      `${fits ? "included" : "left out, the bundle is full"}: ${file.name} (${bytes} bytes)`,
    );
    if (!fits) continue;
    size += bytes;
    taken.push(file);
  }
  const all = [{ name: "contents.txt", text: `${lines.join("\n")}\n` }, ...taken];
  const entries = all.map(({ name, text }) => ({
    name: `isthmus/${name}`,
    data: Buffer.from(text),
  }));
  return gzipSync(tarOf(entries, nowMs / 1000));
}
