// Generated from shaders/wgsl/mlp by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  swigluBackward: `// With s = sigmoid(gate):  dGate = dy * up * s * (1 + gate * (1 - s)),  dUp = dy * gate * s
// dy, gate, up, dGate, dUp: COUNT elements in any storage, in buffers rounded up to four; dGate and dUp are overwritten.
// A thread four elements. Grid: linear over ceil(COUNT / 4).
override COUNT: u32;
@group(0) @binding(0) var<storage, read> dy: array<f32>; // storage: dy vec4
@group(0) @binding(1) var<storage, read> gate: array<f32>; // storage: gate vec4
@group(0) @binding(2) var<storage, read> up: array<f32>; // storage: up vec4
@group(0) @binding(3) var<storage, read_write> dGate: array<f32>; // storage: dGate vec4
@group(0) @binding(4) var<storage, read_write> dUp: array<f32>; // storage: dUp vec4

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = 4u * linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let g = get4_gate(at);
  let s = 1.0 / (1.0 + exp(-g));
  let d = get4_dy(at);
  set4_dGate(at, d * get4_up(at) * s * (1.0 + g * (1.0 - s)));
  set4_dUp(at, d * g * s);
}
`,
  swigluForward: `// y = silu(gate) * up,  silu(g) = g / (1 + exp(-g))
// gate, up, y: COUNT elements in any storage, in buffers rounded up to four; y is overwritten. A thread four elements.
// Grid: linear over ceil(COUNT / 4).
override COUNT: u32;
@group(0) @binding(0) var<storage, read> gate: array<f32>; // storage: gate vec4
@group(0) @binding(1) var<storage, read> up: array<f32>; // storage: up vec4
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // storage: y vec4

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = 4u * linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let g = get4_gate(at);
  set4_y(at, g / (1.0 + exp(-g)) * get4_up(at));
}
`,
} as const;
