// g *= factor, and report[0] = 1.0 where an element of g is infinite or not a number (else it is left alone).
// g (4 * COUNT); a factor of 1 writes nothing. One thread four elements. Grid: linear over COUNT.
override COUNT: u32;
struct Settings { factor: f32 }
@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> g: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> report: array<atomic<u32>>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let bits = g[at];
  if (any((bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u))) { atomicStore(&report[0], bitcast<u32>(1.0)); }
  if (settings.factor != 1.0) { g[at] = bitcast<vec4<u32>>(bitcast<vec4<f32>>(bits) * settings.factor); }
}
