import { DataError } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";

/** Where the tokens lie in a file. */
export interface TokenFile {
  readonly name: string;
  /** bytes a token takes: 1 (text), 2 or 4, little-endian */
  readonly tokenBytes: 1 | 2 | 4;
  readonly dataOffsetBytes: number;
  readonly tokenCount: number;
}

/** `.bin`, `.ds`: bare tokens; `.npy`: NumPy's header is skipped; `.txt`: each byte is a token of a 256-word vocabulary. */
export const TOKEN_FILE_EXTENSIONS: readonly string[] = [".bin", ".ds", ".npy", ".txt"];

/** The extension of a name or url, lower case, query and fragment left out. */
export function extensionOf(name: string): string {
  const path = name.replace(/[?#].*$/s, "");
  return /\.[a-z0-9]+$/i.exec(path)?.[0].toLowerCase() ?? "";
}

const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"
const MAX_NPY_HEADER_BYTES = 65_536;

/**
 * Reads what is needed to find a file's tokens. A NumPy header is recognised by its magic, whatever the file is called: read as
 * tokens it would train the model on noise. `tokenBytes` says how wide the tokens of a file without a header are.
 */
export async function openTokenFile(source: FileSource, name: string, tokenBytes: 2 | 4, signal?: AbortSignal): Promise<TokenFile> {
  const sizeBytes = await source.sizeBytes(name, signal);
  const extension = extensionOf(name);
  if (extension === ".txt") return { name, tokenBytes: 1, dataOffsetBytes: 0, tokenCount: sizeBytes };
  const start = await source.read(name, 0, Math.min(12, sizeBytes), signal);
  if (NPY_MAGIC.every((byte, i) => start[i] === byte)) return openNpy(source, name, sizeBytes, start, signal);
  if (extension === ".npy") {
    throw new DataError("bad-file", `${name}: a .npy file starts with \\x93NUMPY, this one does not; rename raw tokens to .bin`);
  }
  return withTokens(name, tokenBytes, 0, sizeBytes);
}

async function openNpy(
  source: FileSource,
  name: string,
  sizeBytes: number,
  start: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<TokenFile> {
  // NumPy format: magic, u8 major, u8 minor, header length (u16 LE in version 1, u32 LE from 2 on), then a Python dict as text.
  // https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const major = start[6] ?? 0;
  const lengthBytes = major === 1 ? 2 : 4;
  if (major < 1 || major > 3 || start.length < 8 + lengthBytes) {
    throw new DataError("bad-file", `${name}: NumPy format versions 1 to 3 are read, this header says ${major}`);
  }
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataOffsetBytes = 8 + lengthBytes + headerBytes;
  if (headerBytes > MAX_NPY_HEADER_BYTES || dataOffsetBytes > sizeBytes) {
    throw new DataError("bad-file", `${name}: NumPy header of ${headerBytes} bytes does not fit a file of ${sizeBytes}`);
  }
  const header = new TextDecoder().decode(await source.read(name, 8 + lengthBytes, headerBytes, signal));
  const dtype = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  // Signed tokens are never negative, so they read the same.
  const widths: Record<string, 1 | 2 | 4> = { "<u2": 2, "<u4": 4, "<i4": 4, "|u1": 1 };
  const tokenBytes = widths[dtype ?? ""];
  if (tokenBytes === undefined) {
    throw new DataError(
      "bad-file",
      `${name}: dtype must be |u1, <u2, <u4 or <i4, got ${dtype ?? "none"}; convert it with numpy.astype("<u2") or "<u4"`,
    );
  }
  // Order only matters with more than one dimension.
  if (/'fortran_order':\s*True/.test(header) && /'shape':\s*\(\s*\d+\s*,\s*\d/.test(header)) {
    throw new DataError("bad-file", `${name}: the array is in Fortran order; save numpy.ascontiguousarray of it`);
  }
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  const sizes = (shape ?? "").split(",").filter((part) => part.trim() !== "");
  const count = sizes.reduce((product, size) => product * Number(size), 1);
  const dataBytes = sizeBytes - dataOffsetBytes;
  if (shape === undefined || dataBytes !== count * tokenBytes) {
    throw new DataError(
      "bad-file",
      `${name}: the NumPy header promises ${shape === undefined ? "no shape" : `${count * tokenBytes} bytes of tokens`}, the file has ${dataBytes}; ` +
        `it was cut off, or something was appended: make it again`,
    );
  }
  return withTokens(name, tokenBytes, dataOffsetBytes, sizeBytes);
}

function withTokens(name: string, tokenBytes: 1 | 2 | 4, dataOffsetBytes: number, sizeBytes: number): TokenFile {
  const dataBytes = sizeBytes - dataOffsetBytes;
  if (dataBytes % tokenBytes !== 0) {
    throw new DataError(
      "bad-file",
      `${name}: ${dataBytes} bytes of tokens are not a multiple of the token size ${tokenBytes}; is token_size_in_bytes right?`,
    );
  }
  return { name, tokenBytes, dataOffsetBytes, tokenCount: dataBytes / tokenBytes };
}

/**
 * Little-endian tokens to i32.
 * @throws DataError "bad-token" when one is outside [0, vocabSize)
 */
export function decodeTokens(bytes: Uint8Array, tokenBytes: 1 | 2 | 4, vocabSize: number, describe: () => string): Int32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tokens = new Int32Array(bytes.length / tokenBytes);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokenBytes === 1 ? bytes[i] : tokenBytes === 2 ? view.getUint16(i * 2, true) : view.getUint32(i * 4, true);
    if (token >= vocabSize) {
      throw new DataError(
        "bad-token",
        `${describe()}: token ${token} is outside the vocabulary of ${vocabSize}; these data, their token size or the model are not the run's`,
      );
    }
    tokens[i] = token;
  }
  return tokens;
}
