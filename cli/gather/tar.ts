const BLOCK = 512;
const NAME_MAX = 100;

export interface TarFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** A tar archive (POSIX.1-1988, ustar) of plain files, readable by their owner alone. Throws for a name that is too long. */
export function tarOf(files: readonly TarFile[], mtimeSeconds: number): Buffer {
  const parts = files.flatMap(({ name, data }) => [
    headerOf(name, data.length, mtimeSeconds),
    Buffer.from(data),
    Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(name: string, size: number, mtimeSeconds: number): Buffer {
  if (Buffer.byteLength(name) > NAME_MAX) {
    throw new Error(`a name in a tar archive must have at most ${NAME_MAX} bytes: got ${name}`);
  }
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`${Math.floor(mtimeSeconds).toString(8).padStart(11, "0")}\0`, 136);
  // The sum is taken with spaces where it will stand.
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
