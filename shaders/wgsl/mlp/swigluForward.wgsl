// y = silu(gate) * up,  silu(g) = g / (1 + exp(-g))
// gate, up, y: COUNT elements in any storage, in buffers rounded up to four; y is overwritten. A thread four elements.
// Grid: linear over ceil(COUNT / 4).
override COUNT: u32;
@group(0) @binding(0) var<storage, read> gate: array<f32>; // storage: gate vec4
@group(0) @binding(1) var<storage, read> up: array<f32>; // storage: up vec4
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // storage: y vec4

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = 4u * linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let g = get4_gate(at);
  set4_y(at, g / (1.0 + exp(-g)) * get4_up(at));
}
