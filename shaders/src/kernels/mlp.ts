import { wgsl } from "../generated/mlp.ts";
import { linearGrid, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";

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
  grid: linearGrid(count, LINEAR_WORKGROUP_SIZE),
});

/** y = silu(gate) * up. Buffers: gate, up, y (count). */
export const swigluForward = (count: number): KernelCall => call(forward, count);

/** Buffers: dy, gate, up, dGate, dUp (count). */
export const swigluBackward = (count: number): KernelCall => call(backward, count);
