/** Cuts inputs into pieces of text that are small enough to be held and to be tokenised apart, the same wherever reading began. */
import { readInput, type Input } from "./inputs.ts";

/** Where to go on reading. */
export interface Position {
  /** index of the input */
  input: number;
  /** of the unpacked text */
  bytes: number;
  /** lines before it */
  lines: number;
}

export interface Piece {
  text: string;
  /** where it began, for messages: `FILE, line 7` or `FILE, byte 123` */
  where: string;
  /** false = the piece before went on in this one, and both belong to the same part of the data */
  beginsUnit: boolean;
  /** true = an end-of-text token belongs behind it */
  endsDocument: boolean;
  /** null = inside a document that cannot be entered in its middle */
  next: Position | null;
  /** bytes that were no UTF-8 stand in it as U+FFFD */
  mended: boolean;
}

/** A line that is no document. */
export interface BadLine {
  bad: string;
  where: string;
  next: Position;
}

export interface PieceOptions {
  /** JSONL: the key of a line's text */
  textField: string;
  onRead: (bytes: number) => void;
  signal: AbortSignal;
}

/** Longer documents are cut, behind a line break if there is one. Tokenisers see no more than this at once. */
const MAX_PIECE_BYTES = 64 * 1024;
/** Memory that one line may take. */
const MAX_LINE_BYTES = 64 * 2 ** 20;
const NEWLINE = 0x0a;
const BOM = "\ufeff";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

export async function* readPieces(inputs: readonly Input[], from: Position, options: PieceOptions): AsyncGenerator<Piece | BadLine> {
  for (let input = from.input; input < inputs.length && !options.signal.aborted; input++) {
    const start = input === from.input ? from : { input, bytes: 0, lines: 0 };
    yield* inputs[input].form === "text" ? textPieces(inputs[input], start, options) : jsonlPieces(inputs[input], start, options);
  }
}

/** A text file is one document; each of its pieces is a unit, so that a share of a single large file can be held out. */
async function* textPieces(input: Input, start: Position, { onRead, signal }: PieceOptions): AsyncGenerator<Piece> {
  let held: Buffer = Buffer.alloc(0);
  let at = start.bytes;
  const piece = (bytes: Buffer, endsDocument: boolean): Piece => {
    const { text, mended } = decode(bytes);
    const where = `${input.path}, byte ${at}`;
    const clean = at === 0 && text.startsWith(BOM) ? text.slice(1) : text;
    at += bytes.length;
    const next = endsDocument ? { input: start.input + 1, bytes: 0, lines: 0 } : { input: start.input, bytes: at, lines: 0 };
    return { text: clean, where, beginsUnit: true, endsDocument, next, mended };
  };
  for await (const chunk of readInput(input, start.bytes, onRead, signal)) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    // one byte more than a piece: a cut looks at what follows it
    let used = 0;
    while (held.length - used > MAX_PIECE_BYTES) {
      const length = cutAt(held.subarray(used, used + MAX_PIECE_BYTES + 1));
      yield piece(held.subarray(used, used + length), false);
      used += length;
    }
    held = held.subarray(used);
  }
  if (signal.aborted) return;
  if (at > 0 || held.length > 0) yield piece(held, true);
}

/** Every line is a document. */
async function* jsonlPieces(input: Input, start: Position, { onRead, signal, textField }: PieceOptions): AsyncGenerator<Piece | BadLine> {
  let parts: Buffer[] = [];
  let partsBytes = 0;
  let { bytes, lines } = start;

  function* line(raw: Buffer | null, rawBytes: number, last: boolean): Generator<Piece | BadLine> {
    bytes += rawBytes;
    lines++;
    const where = `${input.path}, line ${lines}`;
    const next = last ? { input: start.input + 1, bytes: 0, lines: 0 } : { input: start.input, bytes, lines };
    const read = raw === null ? { bad: `longer than ${MAX_LINE_BYTES} bytes` } : textOf(raw, textField, lines === 1);
    if ("bad" in read) {
      yield { ...read, where, next };
      return;
    }
    const { text } = read;
    let used = 0;
    for (const end of cuts(text)) {
      const endsDocument = end === text.length;
      yield { text: text.slice(used, end), where, beginsUnit: used === 0, endsDocument, next: endsDocument ? next : null, mended: false };
      used = end;
    }
  }

  for await (const chunk of readInput(input, start.bytes, onRead, signal)) {
    let used = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, used)) {
      const rawBytes = partsBytes + end + 1 - used;
      const raw = rawBytes > MAX_LINE_BYTES ? null : Buffer.concat([...parts, chunk.subarray(used, end)]);
      yield* line(raw, rawBytes, false);
      [parts, partsBytes, used] = [[], 0, end + 1];
    }
    partsBytes += chunk.length - used;
    // the rest of a line that is too long is only counted
    if (partsBytes <= MAX_LINE_BYTES) parts.push(chunk.subarray(used));
    else parts = [];
  }
  if (signal.aborted) return;
  if (partsBytes > 0) yield* line(partsBytes > MAX_LINE_BYTES ? null : Buffer.concat(parts), partsBytes, true);
}

function textOf(raw: Buffer, field: string, isFirst: boolean): { text: string } | { bad: string } {
  let line: string;
  try {
    line = strict.decode(raw);
  } catch {
    return { bad: "not UTF-8" };
  }
  if (isFirst && line.startsWith(BOM)) line = line.slice(1);
  if (line.trim() === "") return { text: "" };
  try {
    const value = JSON.parse(line) as unknown;
    const text =
      typeof value === "object" && value !== null && Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
    return typeof text === "string" ? { text } : { bad: `no text in the field "${field}"` };
  } catch (error) {
    return { bad: `not JSON: ${(error as Error).message.slice(0, 100)}` };
  }
}

function decode(bytes: Buffer): { text: string; mended: boolean } {
  try {
    return { text: strict.decode(bytes), mended: false };
  } catch {
    return { text: lenient.decode(bytes), mended: true };
  }
}

/**
 * Where to cut bytes that are one more than a piece may have: behind the last line break that no white space follows (there most
 * tokenisers cut anyway), else behind the last line break, else in front of a character.
 */
function cutAt(bytes: Buffer): number {
  for (let end = bytes.lastIndexOf(NEWLINE, bytes.length - 2); end >= 0; end = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1)) {
    if (bytes[end + 1] > 0x20) return end + 1;
  }
  const line = bytes.lastIndexOf(NEWLINE, bytes.length - 2);
  if (line >= 0) return line + 1;
  let end = bytes.length - 1;
  while (end > bytes.length - 4 && (bytes[end] & 0xc0) === 0x80) end--;
  return end;
}

/** Ends of the pieces of a document that is already text; lengths in UTF-16 units, which are at most as many as its bytes. */
function* cuts(text: string): Generator<number> {
  let start = 0;
  while (text.length - start > MAX_PIECE_BYTES) {
    const limit = start + MAX_PIECE_BYTES;
    const window = text.slice(start, limit + 1);
    const breaks = [...window.matchAll(/\n(?=[^\s])/g)].at(-1);
    const line = breaks?.index ?? window.lastIndexOf("\n", window.length - 2);
    let end = line >= 0 ? start + line + 1 : limit;
    const unit = text.charCodeAt(end);
    if (line < 0 && unit >= 0xdc00 && unit <= 0xdfff) end--; // not between the halves of a character
    yield end;
    start = end;
  }
  yield text.length;
}
