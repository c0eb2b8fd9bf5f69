import { wgsl } from "../generated/mlp.ts";
import { linearGrid, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { F32_STORAGES, withStorage, type KernelStorages } from "./storage.ts";

const forward: KernelSpec = {
  name: "mlp.swigluForward",
  wgsl: wgsl.swigluForward,
  bindings: [
    { name: "gate", kind: "read" },
    { name: "up", kind: "read" },
    { name: "y", kind: "read_write" },
  ],
};
const backward: KernelSpec = {
  name: "mlp.swigluBackward",
  wgsl: wgsl.swigluBackward,
  bindings: [
    { name: "dy", kind: "read" },
    { name: "gate", kind: "read" },
    { name: "up", kind: "read" },
    { name: "dGate", kind: "read_write" },
    { name: "dUp", kind: "read_write" },
  ],
};

const call = (spec: KernelSpec, count: number): KernelCall => ({
  spec,
  constants: { COUNT: count },
  grid: linearGrid(Math.ceil(count / 4), LINEAR_WORKGROUP_SIZE),
});

/** y = silu(gate) * up. Buffers, rounded up to four elements: gate, up, y (count). */
export function swigluForward(count: number, { activations: a }: KernelStorages = F32_STORAGES): KernelCall {
  return call(withStorage(forward, { gate: a, up: a, y: a }), count);
}

/** Buffers, rounded up to four elements: dy, gate, up, dGate, dUp (count). */
export function swigluBackward(count: number, { activations: a }: KernelStorages = F32_STORAGES): KernelCall {
  return call(withStorage(backward, { dy: a, gate: a, up: a, dGate: a, dUp: a }, "invalidate"), count);
}
