import { unmapped, writeAddress } from "../../api/network/address-bytes.ts";

// Classic BPF, <linux/bpf_common.h> and <linux/filter.h>.
const LOAD_WORD = 0x20;
const LOAD_BYTE = 0x30;
const SHIFT_RIGHT = 0x74;
const JUMP = 0x05;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;

/** Offsets from here on are those of the IP header, wherever the filter is attached. */
const IP_HEADER = -0x100000;
/** A random number of 32 bits instead of bytes of the packet. */
const RANDOM = -0x1000 + 56;
const SOURCE_IPV4 = IP_HEADER + 12;
const SOURCE_IPV6 = IP_HEADER + 8;
const ALL_BYTES = 0xffffffff;

/** Bytes of a struct sock_filter. */
export const INSTRUCTION_BYTES = 8;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];

const accept: Instruction = [RETURN, 0, 0, ALL_BYTES];
const drop: Instruction = [RETURN, 0, 0, 0];

/**
 * A filter of a UDP socket that the kernel runs before it queues a datagram (SO_ATTACH_FILTER): those of `clients` pass, of all
 * others the part `admitted`, from 0 to 1, drawn by chance. As many bytes as the kernel reads, in this machine's order.
 */
export function sourceFilter(clients: readonly string[], admitted: number): Uint8Array {
  const plain = clients.map(unmapped);
  const ipv4 = plain.filter((address) => !address.includes(":")).flatMap(passIpv4);
  const ipv6 = plain.filter((address) => address.includes(":")).flatMap(passIpv6);
  return encode([
    [LOAD_BYTE, 0, 0, IP_HEADER],
    [SHIFT_RIGHT, 0, 0, 4],
    [JUMP_IF_EQUAL, 1, 0, 4],
    // A jump that is not conditional goes as far as it has to; the others at most 255 instructions.
    [JUMP, 0, 0, 1 + ipv4.length + 1],
    [LOAD_WORD, 0, 0, SOURCE_IPV4],
    ...ipv4,
    [JUMP, 0, 0, ipv6.length],
    ...ipv6,
    ...byChance(admitted),
  ]);
}

function passIpv4(address: string): readonly Instruction[] {
  return [[JUMP_IF_EQUAL, 0, 1, wordsOf(address, 1)[0] ?? 0], accept];
}

function passIpv6(address: string): readonly Instruction[] {
  const words = wordsOf(address, 4);
  const compared = words.flatMap((word, index): readonly Instruction[] => [
    [LOAD_WORD, 0, 0, SOURCE_IPV6 + index * 4],
    // Past the rest of this address: what is left of its words, and its `accept`.
    [JUMP_IF_EQUAL, 0, (words.length - index) * 2 - 1, word],
  ]);
  return [...compared, accept];
}

function byChance(admitted: number): readonly Instruction[] {
  const threshold = Math.round(admitted * 2 ** 32);
  if (threshold >= 2 ** 32) return [accept];
  return [[LOAD_WORD, 0, 0, RANDOM], [JUMP_IF_AT_LEAST, 0, 1, threshold], drop, accept];
}

function wordsOf(address: string, count: number): readonly number[] {
  const bytes = Buffer.alloc(16);
  writeAddress(address, bytes, 0);
  return Array.from({ length: count }, (_, index) => bytes.readUInt32BE(index * 4));
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const program = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const codes = new Uint16Array(program.buffer);
  const operands = new Uint32Array(program.buffer);
  for (const [index, [code, ifTrue, ifFalse, k]] of instructions.entries()) {
    codes[index * 4] = code;
    program[index * INSTRUCTION_BYTES + 2] = ifTrue;
    program[index * INSTRUCTION_BYTES + 3] = ifFalse;
    operands[index * 2 + 1] = k >>> 0;
  }
  return program;
}
