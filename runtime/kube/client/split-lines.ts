/** A line that will not end within the bound. */
export class LineTooLongError extends Error {
  override readonly name = "LineTooLongError";
}

const NEWLINE = 0x0a;

/**
 * Lines of a byte stream, without their newline; empty ones are skipped. What follows the last newline is
 * yielded at the end too: the reader tells whether it is whole.
 * BOUNDED: by `maxLineBytes`; a longer line throws LineTooLongError.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<string, void, undefined> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = join([...pending, chunk.subarray(start, end)]);
      if (line.length > maxLineBytes) throw tooLong(maxLineBytes);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString("utf8");
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes) throw tooLong(maxLineBytes);
  }
  if (pendingBytes > 0) yield join(pending).toString("utf8");
}

function join(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

function tooLong(maxLineBytes: number): LineTooLongError {
  return new LineTooLongError(`line must be at most ${maxLineBytes} bytes`);
}
