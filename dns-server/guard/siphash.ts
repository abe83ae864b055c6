/** A key of SipHash as four 32-bit words, little-endian. */
export type SipHashKey = readonly [number, number, number, number];

/** The key in 16 bytes. */
export function sipHashKey(bytes: Buffer): SipHashKey {
  return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12)];
}

/** The 64-bit state words, each as a high and a low half: numbers of 32 bits are all that is fast here. */
const state = new Int32Array(8);

/**
 * SipHash-2-4 of the first `length` bytes of `data`, written to `into` as eight bytes, little-endian: the pseudo-random
 * function of interoperable DNS cookies (RFC 9018, section 4.4). Node's crypto does not offer it.
 */
export function sipHash24(
  data: Buffer,
  length: number,
  key: SipHashKey,
  into: Buffer,
  at: number,
): void {
  const [k0, k1, k2, k3] = key;
  state[0] = k1 ^ 0x736f6d65;
  state[1] = k0 ^ 0x70736575;
  state[2] = k3 ^ 0x646f7261;
  state[3] = k2 ^ 0x6e646f6d;
  state[4] = k1 ^ 0x6c796765;
  state[5] = k0 ^ 0x6e657261;
  state[6] = k3 ^ 0x74656462;
  state[7] = k2 ^ 0x79746573;
  const blocksEnd = length - (length % 8);
  for (let offset = 0; offset < blocksEnd; offset += 8) {
    absorb(data.readInt32LE(offset + 4), data.readInt32LE(offset));
  }
  // The last block holds what is left, and the length in its highest byte.
  let low = 0;
  let high = (length & 0xff) << 24;
  for (let index = blocksEnd; index < length; index++) {
    const shift = (index - blocksEnd) * 8;
    const byte = data[index] ?? 0;
    if (shift < 32) low |= byte << shift;
    else high |= byte << (shift - 32);
  }
  absorb(high, low);
  xor(4, 0, 0xff);
  for (let round = 0; round < 4; round++) sipRound();
  into.writeInt32LE(word(1) ^ word(3) ^ word(5) ^ word(7), at);
  into.writeInt32LE(word(0) ^ word(2) ^ word(4) ^ word(6), at + 4);
}

function absorb(high: number, low: number): void {
  xor(6, high, low);
  sipRound();
  sipRound();
  xor(0, high, low);
}

function sipRound(): void {
  add(0, 2);
  rotate(2, 13);
  xor(2, word(0), word(1));
  rotate(0, 32);
  add(4, 6);
  rotate(6, 16);
  xor(6, word(4), word(5));
  add(0, 6);
  rotate(6, 21);
  xor(6, word(0), word(1));
  add(4, 2);
  rotate(2, 17);
  xor(2, word(4), word(5));
  rotate(4, 32);
}

function word(at: number): number {
  return state[at] ?? 0;
}

function xor(at: number, high: number, low: number): void {
  state[at] = word(at) ^ high;
  state[at + 1] = word(at + 1) ^ low;
}

function add(to: number, from: number): void {
  const low = (word(to + 1) >>> 0) + (word(from + 1) >>> 0);
  state[to + 1] = low;
  state[to] = word(to) + word(from) + (low > 0xffff_ffff ? 1 : 0);
}

function rotate(at: number, bits: number): void {
  const high = word(at);
  const low = word(at + 1);
  if (bits === 32) {
    state[at] = low;
    state[at + 1] = high;
    return;
  }
  state[at] = (high << bits) | (low >>> (32 - bits));
  state[at + 1] = (low << bits) | (high >>> (32 - bits));
}
