import { LAYOUT } from "./generated/machineLayout.ts";
import { MachineError } from "./machineError.ts";

export type StructName = keyof typeof LAYOUT;
type FieldName<S extends StructName> = keyof (typeof LAYOUT)[S]["fields"] & string;
interface FieldLayout {
  offset: number;
  element: string;
  count: number;
}

const ELEMENT_BYTES: Record<string, number> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** A struct of the machine at `base` in `bytes`, read and written by field name. Little-endian. */
export class Struct<S extends StructName> {
  readonly #name: S;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;

  constructor(name: S, bytes: Uint8Array, base = 0) {
    this.#name = name;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
  }

  /** A u8, u16 or u32. */
  number(field: FieldName<S>): number {
    const { offset, element } = this.#field(field);
    const at = this.#base + offset;
    if (element === "u8") return this.#view.getUint8(at);
    return element === "u16" ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  /** A u64. */
  bigint(field: FieldName<S>): bigint {
    return this.#view.getBigUint64(this.#base + this.#field(field).offset, true);
  }

  /** A copy of a u8 array. */
  bytes(field: FieldName<S>): Uint8Array {
    const { offset, count } = this.#field(field);
    return this.#bytes.slice(this.#base + offset, this.#base + offset + count);
  }

  /** Element `index` of an array of structs, or the nested struct itself. */
  nested<N extends StructName>(field: FieldName<S>, name: N, index = 0): Struct<N> {
    return new Struct(name, this.#bytes, this.#base + this.#field(field).offset + index * LAYOUT[name].bytes);
  }

  /** Throws `BadArgument` unless `value` is an integer that the field can hold. */
  setInteger(field: FieldName<S>, value: number | bigint): void {
    const { offset, element } = this.#field(field);
    const bits = 8 * (ELEMENT_BYTES[element] ?? 0);
    const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
    if (!isInteger || value < 0 || BigInt(value) >> BigInt(bits) !== 0n) {
      throw new MachineError("BadArgument", `${this.#name}.${field}: expected an integer from 0 to 2^${bits} - 1, got ${value}`);
    }
    const at = this.#base + offset;
    if (element === "u8") this.#view.setUint8(at, Number(value));
    else if (element === "u16") this.#view.setUint16(at, Number(value), true);
    else if (element === "u32") this.#view.setUint32(at, Number(value), true);
    else this.#view.setBigUint64(at, BigInt(value), true);
  }

  /** Throws `BadArgument` unless `value` has exactly the field's length. */
  setBytes(field: FieldName<S>, value: Uint8Array): void {
    const { offset, count } = this.#field(field);
    if (value.length !== count) {
      throw new MachineError("BadArgument", `${this.#name}.${field}: expected ${count} bytes, got ${value.length}`);
    }
    this.#bytes.set(value, this.#base + offset);
  }

  #field(field: FieldName<S>): FieldLayout {
    return (LAYOUT[this.#name].fields as Record<string, FieldLayout>)[field];
  }
}
