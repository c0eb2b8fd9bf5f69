/**
 * How a kernel's tensors lie in memory, apart from what it computes. A kernel marks a binding in its declaration,
 *
 *     @group(0) @binding(1) var<storage, read> x: array<f32>; // storage: x
 *
 * and reads and writes it through functions that `withStorage` appends for the storage asked for, each in f32; i counts elements:
 *
 *     get_x(i)   get2_x(i, even)   get4_x(i, a multiple of 4)
 *     set_x(i, v)   set2_x(i, even, vec2)   set4_x(i, a multiple of 4, vec4)     only where the binding is read_write
 *
 * With `// storage: x vec4` the binding becomes an array of 4-vectors and only get4_x and set4_x exist. A packed binding has no
 * set_x: two threads would write one word.
 */
import { ShaderError } from "../errors.ts";
import type { KernelSpec } from "../kernel.ts";

/**
 * - f32: as it is
 * - f16: IEEE half; needs the adapter's `shader-f16`
 * - packed: the same halves, two in a u32 (the even element low): any adapter
 */
export const STORAGES = ["f32", "f16", "packed"] as const;
export type Storage = (typeof STORAGES)[number];

/** What the tensors of a model are stored as; residual streams, statistics, logits and weight gradients are always f32. */
export interface KernelStorages {
  activations: Storage;
  /** the compute copy */
  weights: Storage;
}

export const F32_STORAGES: KernelStorages = { activations: "f32", weights: "f32" };

/**
 * What a value beyond a half's range becomes when it is stored.
 * - saturate: +-65504, for activations and weights: training goes on
 * - invalidate: NaN, for gradients: loss scaling must see it
 * Either way NaN stays NaN. f32 stores what it is given.
 */
export type Overflow = "saturate" | "invalidate";

/** The largest finite half. */
export const HALF_MAX = 65504;

/** Bytes of `elements` values; a last odd half takes a whole word. */
export function storageBytes(storage: Storage, elements: number): number {
  return storage === "f32" ? elements * 4 : Math.ceil(elements / 2) * 4;
}

/** The first `elements` that a buffer of `storage` held, read back. */
export function storedValues(bytes: ArrayBuffer, storage: Storage, elements: number): Float32Array<ArrayBuffer> {
  return storage === "f32" ? new Float32Array(bytes, 0, elements) : Float32Array.from(new Float16Array(bytes, 0, elements));
}

const MARKED =
  /^(\s*@group\(0\)\s*@binding\(\d+\)\s*var<storage,\s*(read|read_write)>\s*)(\w+)\s*:\s*array<f32>;\s*\/\/ storage: (\w+)( vec4)?\s*$/gm;

/**
 * `spec` with its marked bindings stored as `storages` says (f32 where it says nothing) and their functions appended.
 * Errors: ShaderError storage, where a name is not a marked binding, a kernel indexes one directly, or uses a function that its
 * storage does not have.
 */
export function withStorage(
  spec: KernelSpec,
  storages: Readonly<Record<string, Storage>> = {},
  overflow: Overflow = "saturate",
): KernelSpec {
  const functions: string[] = [];
  const suffix: string[] = [];
  const used = new Set<Storage>();
  const marked = new Set<string>();
  const code = spec.wgsl.replace(/\/\/.*$/gm, "");
  const text = spec.wgsl.replace(MARKED, (_, head: string, access: string, name: string, label: string, vec4: string | undefined) => {
    if (label !== name)
      throw new ShaderError("storage", `kernel ${spec.name}: binding ${name} is marked "storage: ${label}"; the two names must agree`);
    const storage = storages[name] ?? "f32";
    marked.add(name);
    used.add(storage);
    if (storage !== "f32") suffix.push(`${name}:${storage}`);
    const isWide = vec4 !== undefined;
    const missing = missingFunctions(storage, isWide, access === "read_write").find((f) => new RegExp(`\\b${f}_${name}\\s*\\(`).test(code));
    if (missing) {
      const instead =
        storage === "packed" && !isWide ? "; a packed binding is written by set2 or set4, or its storage must be f32 or f16" : "";
      throw new ShaderError(
        "storage",
        `kernel ${spec.name}: ${missing}_${name} does not exist for a ${access} ${storage} binding${isWide ? " of vec4" : ""}${instead}`,
      );
    }
    if (new RegExp(`\\b${name}\\s*\\[`).test(code)) {
      throw new ShaderError("storage", `kernel ${spec.name} indexes ${name} directly: read and write it through get_${name}, set_${name}`);
    }
    functions.push(accessors(name, storage, isWide, access === "read_write", overflow));
    return `${head}${name}: array<${ELEMENT[storage][isWide ? 1 : 0]}>;`;
  });
  const unknown = Object.keys(storages).find((name) => !marked.has(name));
  if (unknown !== undefined) {
    throw new ShaderError(
      "storage",
      `kernel ${spec.name} has no binding marked "storage: ${unknown}"; it has ${[...marked].join(", ") || "none"}`,
    );
  }
  if (marked.size === 0) return spec;
  const enable = used.has("f16") ? "enable f16;\n" : "";
  const narrow = used.has("f16") || used.has("packed") ? NARROW : "";
  const how = overflow === "invalidate" && suffix.length > 0 ? [...suffix, overflow] : suffix;
  return {
    ...spec,
    name: how.length === 0 ? spec.name : `${spec.name}[${how.join(",")}]`,
    wgsl: `${enable}${text.trimEnd()}\n${narrow}${functions.join("")}`,
  };
}

/** What the binding is an array of: declared plain, and declared vec4. */
const ELEMENT: Record<Storage, readonly [string, string]> = {
  f32: ["f32", "vec4<f32>"],
  f16: ["f16", "vec4<f16>"],
  packed: ["u32", "vec2<u32>"],
};

function missingFunctions(storage: Storage, isWide: boolean, isWritten: boolean): string[] {
  const missing = isWritten ? [] : ["set", "set2", "set4"];
  if (isWide) missing.push("get", "get2", "set", "set2");
  if (storage === "packed") missing.push("set");
  return missing;
}

/**
 * Two values as halves. Rounds to nearest, ties to even, in f32 (adapters pack with either rounding); then every value fits
 * exactly. What the bit mask leaves as 0x7fff is NaN.
 */
const NARROW = `
fn starlingHalves(v: vec2<f32>, limit: u32) -> u32 {
  let bits = bitcast<vec2<u32>>(v);
  let invalid = (bits & vec2<u32>(0x7fffffffu)) > vec2<u32>(limit);
  let nearest = bitcast<vec2<f32>>((bits + vec2<u32>(0x0fffu) + ((bits >> vec2<u32>(13u)) & vec2<u32>(1u))) & vec2<u32>(0xffffe000u));
  // below a half's smallest normal value its steps are 2^-24
  let small = abs(v) < vec2<f32>(6.103515625e-5);
  let fitting = clamp(select(nearest, round(v * 16777216.0) * 5.9604644775390625e-8, small), vec2<f32>(-65504.0), vec2<f32>(65504.0));
  let nan = select(vec2<u32>(0u), vec2<u32>(0x7fffu, 0x7fff0000u), invalid);
  return pack2x16float(fitting) | nan.x | nan.y;
}
`;

/** The largest magnitude, as f32 bits, that is stored as a number: all but NaN, or none beyond 65504. */
const LIMIT: Record<Overflow, string> = { saturate: "0x7f800000u", invalidate: "0x477fe000u" };

function accessors(x: string, storage: Storage, isWide: boolean, isWritten: boolean, overflow: Overflow): string {
  const out: string[] = [];
  const pair = (value: string) => `starlingHalves(${value}, ${LIMIT[overflow]})`;
  const add = (name: string, result: string, body: string) => out.push(`fn ${name}_${x}(i: u32)${result} { ${body} }`);
  const get = (n: "" | "2" | "4", body: string) => add(`get${n}`, ` -> ${TYPE[n]}`, `return ${body};`);
  const set = (n: "" | "2" | "4", body: string) => {
    if (isWritten) out.push(`fn set${n}_${x}(i: u32, value: ${TYPE[n]}) { ${body} }`);
  };
  if (isWide) {
    get("4", WIDE_GET[storage](`${x}[i >> 2u]`));
    set("4", `${x}[i >> 2u] = ${WIDE_SET[storage](pair)};`);
  } else if (storage === "f32") {
    get("", `${x}[i]`);
    get("2", `vec2<f32>(${x}[i], ${x}[i + 1u])`);
    get("4", `vec4<f32>(${x}[i], ${x}[i + 1u], ${x}[i + 2u], ${x}[i + 3u])`);
    set("", `${x}[i] = value;`);
    set("2", `${x}[i] = value.x; ${x}[i + 1u] = value.y;`);
    set("4", `${x}[i] = value.x; ${x}[i + 1u] = value.y; ${x}[i + 2u] = value.z; ${x}[i + 3u] = value.w;`);
  } else if (storage === "f16") {
    get("", `f32(${x}[i])`);
    get("2", `vec2<f32>(f32(${x}[i]), f32(${x}[i + 1u]))`);
    get("4", `vec4<f32>(f32(${x}[i]), f32(${x}[i + 1u]), f32(${x}[i + 2u]), f32(${x}[i + 3u]))`);
    const halves = (n: number) => `bitcast<vec2<f16>>(${pair(n === 0 ? "value.xy" : "value.zw")})`;
    set("", `${x}[i] = bitcast<vec2<f16>>(${pair("vec2<f32>(value, 0.0)")}).x;`);
    set("2", `let low2 = bitcast<vec2<f16>>(${pair("value")}); ${x}[i] = low2.x; ${x}[i + 1u] = low2.y;`);
    set(
      "4",
      `let low2 = ${halves(0)}; let high2 = ${halves(1)}; ${x}[i] = low2.x; ${x}[i + 1u] = low2.y; ${x}[i + 2u] = high2.x; ${x}[i + 3u] = high2.y;`,
    );
  } else {
    get("", `unpack2x16float(${x}[i >> 1u])[i & 1u]`);
    get("2", `unpack2x16float(${x}[i >> 1u])`);
    get("4", `vec4<f32>(unpack2x16float(${x}[i >> 1u]), unpack2x16float(${x}[(i >> 1u) + 1u]))`);
    set("2", `${x}[i >> 1u] = ${pair("value")};`);
    set("4", `${x}[i >> 1u] = ${pair("value.xy")}; ${x}[(i >> 1u) + 1u] = ${pair("value.zw")};`);
  }
  return `${out.join("\n")}\n`;
}

const TYPE = { "": "f32", 2: "vec2<f32>", 4: "vec4<f32>" } as const;

const WIDE_GET: Record<Storage, (at: string) => string> = {
  f32: (at) => at,
  f16: (at) => `vec4<f32>(${at})`,
  packed: (at) => `vec4<f32>(unpack2x16float(${at}.x), unpack2x16float(${at}.y))`,
};

const WIDE_SET: Record<Storage, (pair: (value: string) => string) => string> = {
  f32: () => "value",
  f16: (pair) => `vec4<f16>(bitcast<vec2<f16>>(${pair("value.xy")}), bitcast<vec2<f16>>(${pair("value.zw")}))`,
  packed: (pair) => `vec2<u32>(${pair("value.xy")}, ${pair("value.zw")})`,
};
