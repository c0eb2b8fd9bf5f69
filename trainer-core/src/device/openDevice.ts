/**
 * A device without those features of its adapter that the driver gets wrong: tensor cores and f16 are taken on the adapter's word by
 * `Device.create`, on hardware where nobody has run them. Here each is first tried on a small product.
 */
import { matmul, MATMUL_FORMS, type MatmulForm } from "@starling/shaders/kernels/matmul";
import { SHAPE_CLASSES } from "@starling/shaders/kernels/matmulTiles";
import { storageBytes, storedValues, type Storage } from "@starling/shaders/kernels/storage";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { tuningOf } from "@starling/shaders/lab/tuning";
import { linearForward, linearInputGradient, linearWeightGradient } from "@starling/shaders/reference/matmul";
import { Device, type DeviceOptions, type KernelProfile } from "./device.ts";
import { DeviceError } from "./errors.ts";
import { adapterName, SUBGROUP_MATRIX } from "./features.ts";

/** A driver that neither answers nor gives up. A product's pipeline takes a second or two to compile, and there are ten. */
const PATIENCE_MS = 30_000;

/** No tile's sides divide them, four does: as a layer's. */
const [ROWS, OUT, IN] = [136, 152, 168];
/** Largest integer in a product: all sums are then exact in f32, or where something is stored in halves in these too. */
const LARGEST: Record<"f32" | "f16", number> = { f32: 8, f16: 3 };

/** A product to try. */
export interface TriedProduct {
  profile: KernelProfile;
  form: MatmulForm;
  /** of all three matrices */
  storage: "f32" | "f16";
  /** left out: the device's own */
  tile?: string;
}

/**
 * `Device.create`, again without tensor cores or f16 where they do not compile, lose the device or give wrong sums; `faults` of the
 * device then says so. Wrong tensor cores are not used where `tensor` is asked for by name either: `auto`'s choice then is, as a client
 * that sums wrongly loses its rewards. Errors: those of `Device.create`.
 */
export async function openDevice(navigatorGpu: GPU, options: DeviceOptions = {}): Promise<Device> {
  const without = new Map(options.without);
  let { profile } = options;
  for (;;) {
    const device = await Device.create(navigatorGpu, { ...options, profile, without });
    if (device.adapter.isFallbackAdapter) return device; // f32 without tensor cores, whatever it has
    const fault = (await tensorFault(device)) ?? (await f16Fault(device));
    if (fault === null) return device;
    device.dispose();
    if (fault.feature === SUBGROUP_MATRIX) profile = "auto";
    without.set(fault.feature, fault.sentence);
  }
}

interface Fault {
  feature: GPUFeatureName;
  sentence: string;
}

async function f16Fault(device: Device): Promise<Fault | null> {
  if (!device.features.shaderF16) return null;
  const why = await wrongProduct(device, [{ profile: "gpu", form: "forward", storage: "f16" }]);
  return why === null ? null : fault(device, "shader-f16", "half precision (shader-f16)", why);
}

async function tensorFault(device: Device): Promise<Fault | null> {
  const why = await wrongTensorProduct(device);
  return why === null ? null : fault(device, SUBGROUP_MATRIX, "tensor cores", why);
}

function fault({ adapter }: Device, feature: GPUFeatureName, what: string, why: string): Fault {
  const name = adapterName(adapter) || "this adapter";
  return { feature, sentence: `${what} of ${name} cannot be used, another driver version may help: ${why}; trains without` };
}

/** Why the tiles that the device would use on its tensor cores cannot be used; null where they can, or it has no such cores. */
export async function wrongTensorProduct(device: Device): Promise<string | null> {
  const { features, profile, tuning } = device;
  if (profile !== "tensor" || features.subgroupMatrices.length === 0) return null;
  const storage = features.shaderF16 ? "f16" : "f32";
  const products = MATMUL_FORMS.flatMap((form) =>
    [...new Set(SHAPE_CLASSES.map((shape) => tuning.tensor[form][shape]))].map((tile) => ({ profile, form, storage, tile }) as const),
  );
  return wrongProduct(device, [...products, { profile, form: "forward", storage: "f32" }]);
}

/** Why one of the products cannot be computed here, in a few words; null where all are right to the last bit. `patienceMs`: for each. Rejects never. */
export async function wrongProduct(
  device: Device,
  products: readonly TriedProduct[],
  { kernel = matmul, patienceMs = PATIENCE_MS }: { kernel?: typeof matmul; patienceMs?: number } = {},
): Promise<string | null> {
  try {
    for (const product of products) {
      const wrong = await inTime(tryProduct(device, product, kernel), patienceMs);
      if (wrong !== null) return wrong;
    }
    return null;
  } catch (error) {
    return (error as Error).message.split("\n")[0]; // Dawn goes on with where it was
  }
}

function inTime(tried: Promise<string | null>, patienceMs: number): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${patienceMs / 1000} s`), patienceMs);
  });
  return Promise.race([tried, late]).finally(() => clearTimeout(timer));
}

async function tryProduct(device: Device, { profile, form, storage, tile }: TriedProduct, kernel: typeof matmul): Promise<string | null> {
  const largest = LARGEST[storage];
  const integers = (count: number, step: number) =>
    Float32Array.from({ length: count }, (_, i) => ((i * step + (i >>> 5) * 7) % (2 * largest + 1)) - largest);
  const x = integers(ROWS * IN, 5);
  const w = integers(OUT * IN, 3);
  const dy = integers(ROWS * OUT, 11);
  const [a, b, expected] = {
    forward: () => [x, w, linearForward(x, w, ROWS, OUT, IN)] as const,
    inputGradient: () => [dy, w, linearInputGradient(dy, w, ROWS, OUT, IN)] as const,
    weightGradient: () => [dy, x, linearWeightGradient(dy, x, ROWS, OUT, IN)] as const,
  }[form]();
  const tuning = tile === undefined ? device.tuning : tuningOf({ [profile]: { [form]: { small: tile } } }, device.tileLimits);
  const storages = { a: storage, b: storage, c: storage };
  const got = await run(
    device,
    kernel(profile, form, "overwrite", ROWS, OUT, IN, { adapter: device.features, tuning, storages }),
    [stored(a, storage), stored(b, storage)],
    storage,
    expected.length,
  );
  const at = expected.findIndex((value, i) => got[i] !== value);
  if (at < 0) return null;
  return `a ${form} product in ${storage}${tile === undefined ? "" : ` (tile ${tile})`} gave ${got[at]} instead of ${expected[at]}`;
}

const stored = (values: Float32Array<ArrayBuffer>, storage: Storage) => (storage === "f32" ? values : Float16Array.from(values));

async function run(
  device: Device,
  { spec, constants, grid, sizes }: KernelCall,
  [a, b]: readonly [ArrayBufferView<ArrayBuffer>, ArrayBufferView<ArrayBuffer>],
  storage: Storage,
  elements: number,
): Promise<Float32Array> {
  if (!sizes) throw new DeviceError("validation", `${spec.name} has no sizes`);
  const uniform = device.uniform("tried product's sizes", 48);
  const buffers = [device.bufferOf("tried a", a), device.bufferOf("tried b", b)];
  // what the kernel leaves alone is then no zero by chance
  const c = device.bufferOf("tried c", stored(new Float32Array(elements).fill(-1), storage));
  try {
    device.write(uniform, sizes);
    device.run([await device.dispatch(spec, constants, [uniform, ...buffers, buffers[0], c], grid)]);
    return storedValues(await device.read(c, storageBytes(storage, elements)), storage, elements);
  } finally {
    for (const buffer of [uniform, ...buffers, c]) buffer.destroy();
  }
}
