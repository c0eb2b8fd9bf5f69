/** For tests and benchmarks: what a piece of work creates, counted by wrapping the functions that create it. */

export interface Creations {
  /** by method of GPUDevice: buffers, bind groups, pipelines, encoders */
  gpu: Record<string, number>;
  /** typed arrays with memory of their own */
  typedArrays: number;
  /** their bytes, those of copied ArrayBuffers too */
  arrayBytes: number;
}

const ARRAYS = [
  "Int8Array",
  "Uint8Array",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
] as const;

/** Counts while `work` runs. Views of an existing ArrayBuffer own nothing and are not counted. Runs one piece at a time in a realm. */
export async function countCreations(gpu: GPUDevice, work: () => Promise<void>): Promise<Creations> {
  const counts: Creations = { gpu: {}, typedArrays: 0, arrayBytes: 0 };
  const undo: (() => void)[] = [];
  const device = gpu as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of methodsOf(gpu).filter((m) => m.startsWith("create"))) {
    const original = device[name];
    device[name] = (...args) => {
      counts.gpu[name] = (counts.gpu[name] ?? 0) + 1;
      return original.apply(gpu, args);
    };
    undo.push(() => delete device[name]);
  }
  const globals = globalThis as unknown as Record<string, typeof Uint8Array>;
  for (const name of ARRAYS) {
    const original = globals[name];
    globals[name] = new Proxy(original, {
      construct(target, args: unknown[], newTarget) {
        const made = Reflect.construct(target, args, newTarget === globals[name] ? target : newTarget) as Uint8Array;
        if (!(args[0] instanceof ArrayBuffer)) note(made.byteLength);
        return made;
      },
    });
    undo.push(() => (globals[name] = original));
  }
  const note = (bytes: number) => {
    counts.typedArrays++;
    counts.arrayBytes += bytes;
  };
  type Sliced = { byteLength: number; slice(start?: number, end?: number): Sliced };
  for (const prototype of [ArrayBuffer.prototype, Object.getPrototypeOf(Uint8Array.prototype)] as Sliced[]) {
    const slice = prototype.slice;
    prototype.slice = function (this: Sliced, start, end) {
      const copy = slice.call(this, start, end);
      note(copy.byteLength);
      return copy;
    };
    undo.push(() => (prototype.slice = slice));
  }
  try {
    await work();
  } finally {
    for (const back of undo) back();
  }
  return counts;
}

function methodsOf(object: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}
