// y = silu(gate) * up,  silu(g) = g / (1 + exp(-g))
// gate, up, y: COUNT elements; y is overwritten. Grid: linear over COUNT.
override COUNT: u32;
@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let g = gate[at];
  y[at] = g / (1.0 + exp(-g)) * up[at];
}
