import { CheckpointError } from "./checkpointError.ts";
import { PIECE_BYTES, type BlobReader, type CheckpointFile } from "./checkpointFiles.ts";
import { decodeElements, DTYPE_BYTES, isDtype, type Dtype, type TensorData } from "./dtypes.ts";

/** Where a tensor lies in its file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** from the beginning of the file */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** row-major; F16 and BF16 come as f32 */
  readonly data: TensorData;
}

/** The limit of the reference implementation (huggingface/safetensors, MAX_HEADER_SIZE). */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_DIMENSIONS = 16;

/**
 * Reads and checks the header of a safetensors file: the tensors cover the file's data exactly, without gap or overlap, as the
 * format demands, so that nothing in the file can mean two things. https://github.com/huggingface/safetensors#format
 *
 * @param label names the file in errors
 * @returns entries by name, in the order of their data
 * @throws CheckpointError "bad-format"
 */
export async function readSafetensorsHeader(reader: BlobReader, label: string): Promise<Map<string, TensorEntry>> {
  const bad = (what: string, cause?: unknown): CheckpointError =>
    new CheckpointError("bad-format", `${label} is not a sound safetensors file: ${what}`, cause);
  if (reader.sizeBytes < 8) throw bad(`it has ${reader.sizeBytes} bytes, the length of its header alone takes 8`);
  const lengthField = await reader.read(0, 8);
  const headerBytes64 = new DataView(lengthField.buffer, lengthField.byteOffset).getBigUint64(0, true);
  if (headerBytes64 > BigInt(Math.min(MAX_HEADER_BYTES, reader.sizeBytes - 8))) {
    throw bad(`its header claims ${headerBytes64} bytes, the file has ${reader.sizeBytes} (limit ${MAX_HEADER_BYTES})`);
  }
  const headerBytes = Number(headerBytes64);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await reader.read(8, headerBytes)));
  } catch (error) {
    throw bad(`its header is not JSON (${(error as Error).message})`, error);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw bad("its header is not a JSON object");

  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    entries.push(readEntry(name, value, 8 + headerBytes, bad));
  }
  entries.sort((a, b) => a.offsetBytes - b.offsetBytes || a.sizeBytes - b.sizeBytes);
  let end = 8 + headerBytes;
  for (const entry of entries) {
    if (entry.offsetBytes !== end)
      throw bad(`tensor ${entry.name} begins at byte ${entry.offsetBytes}, not where the one before ends (${end})`);
    end += entry.sizeBytes;
  }
  if (end !== reader.sizeBytes) throw bad(`its tensors end at byte ${end}, the file at ${reader.sizeBytes}: it is cut off or has a tail`);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function readEntry(name: string, value: unknown, dataStart: number, bad: (what: string) => CheckpointError): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (!isDtype(dtype)) throw bad(`tensor ${name} has dtype ${JSON.stringify(dtype)}; read are ${Object.keys(DTYPE_BYTES).join(", ")}`);
  const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isSize)) {
    throw bad(`tensor ${name} has shape ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw bad(`tensor ${name} has data_offsets ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const sizeBytes = shape.reduce((product, side) => product * side, DTYPE_BYTES[dtype]);
  if (end - begin !== sizeBytes || !Number.isSafeInteger(sizeBytes)) {
    throw bad(`tensor ${name} of ${dtype} [${shape}] takes ${sizeBytes} bytes, its data_offsets say ${end - begin}`);
  }
  return { name, dtype, shape: shape as number[], offsetBytes: dataStart + begin, sizeBytes };
}

/** Reads a tensor in pieces of 16 MiB into one array. */
export async function readTensor(reader: BlobReader, entry: TensorEntry): Promise<Tensor> {
  const bytes = new Uint8Array(entry.sizeBytes);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    bytes.set(await reader.read(entry.offsetBytes + at, Math.min(PIECE_BYTES, bytes.length - at)), at);
  }
  return { dtype: entry.dtype, shape: entry.shape, data: decodeElements(entry.dtype, bytes) };
}

/** All tensors of a safetensors file that lies in memory. */
export async function readSafetensors(reader: BlobReader, label: string): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of await readSafetensorsHeader(reader, label)) tensors.set(name, await readTensor(reader, entry));
  return tensors;
}

/**
 * A safetensors file of F32 tensors, in the order given. Its header is padded with spaces so that the data begin at a multiple of
 * 8, and names the format "pt", without which transformers refuses a file.
 */
export function safetensorsFile(
  fileName: string,
  tensors: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>,
): CheckpointFile {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let dataBytes = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [dataBytes, dataBytes + data.byteLength] };
    dataBytes += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  return {
    name: fileName,
    sizeBytes: head.length + dataBytes,
    *pieces() {
      yield head;
      for (const { data } of tensors.values()) {
        for (let at = 0; at < data.byteLength; at += PIECE_BYTES) {
          yield new Uint8Array(data.buffer, data.byteOffset + at, Math.min(PIECE_BYTES, data.byteLength - at));
        }
      }
    },
  };
}
