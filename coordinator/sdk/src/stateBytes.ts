import { LAYOUT } from "./generated/machineLayout.ts";
import { MachineError } from "./machineError.ts";

/**
 * The state is 122 KB of fixed slots, nearly all zero in a small run. On the wire it is a sequence of
 * (zero words u16, literal words u16, literal bytes), words of eight bytes, little-endian: 4 KB for three clients.
 */
const WORD_BYTES = 8;
const HEADER_BYTES = 4;
const STATE_WORDS = LAYOUT.State.bytes / WORD_BYTES;

export function packState(state: Uint8Array): Uint8Array {
  // numbers of half a word: a loop over 64-bit integers takes ten times as long
  const halves = new Uint32Array(state.slice().buffer);
  const packed = new Uint8Array(state.length + HEADER_BYTES * (STATE_WORDS / 2 + 1));
  const view = new DataView(packed.buffer);
  let length = 0;
  let word = 0;
  while (word < STATE_WORDS) {
    const literal = runEnd(halves, word, true);
    const next = runEnd(halves, literal, false);
    view.setUint16(length, literal - word, true);
    view.setUint16(length + 2, next - literal, true);
    packed.set(state.subarray(literal * WORD_BYTES, next * WORD_BYTES), length + HEADER_BYTES);
    length += HEADER_BYTES + (next - literal) * WORD_BYTES;
    word = next;
  }
  return packed.slice(0, length);
}

function runEnd(halves: Uint32Array, from: number, zero: boolean): number {
  let end = from;
  while (end < STATE_WORDS && ((halves[2 * end] | halves[2 * end + 1]) === 0) === zero) end += 1;
  return end;
}

/** Throws `WrongStateSize` unless the runs fill the state exactly. */
export function unpackState(packed: Uint8Array): Uint8Array {
  const state = new Uint8Array(LAYOUT.State.bytes);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let read = 0;
  let written = 0;
  while (read + HEADER_BYTES <= packed.length) {
    const literalBytes = view.getUint16(read + 2, true) * WORD_BYTES;
    written += view.getUint16(read, true) * WORD_BYTES;
    read += HEADER_BYTES;
    if (read + literalBytes > packed.length || written + literalBytes > state.length) break;
    state.set(packed.subarray(read, read + literalBytes), written);
    read += literalBytes;
    written += literalBytes;
  }
  if (read !== packed.length || written !== state.length) {
    throw new MachineError(
      "WrongStateSize",
      `the packed state of ${packed.length} bytes does not unfold to ${state.length}; it is cut short or of another version`,
    );
  }
  return state;
}

/**
 * What differs between two packed states, packed: their exclusive or, a few words for one report. With one of the two it gives
 * the other. Throws `WrongStateSize` for bytes that are no packed state.
 */
export function differenceOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  const sum = unpackState(a);
  const halves = new Uint32Array(sum.buffer);
  const others = new Uint32Array(unpackState(b).buffer);
  for (let i = 0; i < halves.length; i++) halves[i] ^= others[i];
  return packState(sum);
}
