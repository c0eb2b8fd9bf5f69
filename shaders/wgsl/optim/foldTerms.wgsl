// folded[i] = sum over k of terms[i + k TERMS], i < TERMS, in a fixed order; overwritten.
// terms (COUNT), folded (TERMS). What one thread adds up at the end is then short: 60,000 additions one after another are milliseconds on
// a GPU, as each waits for memory. Neighbours read neighbours. Grid: linear over TERMS.
override COUNT: u32;
override TERMS: u32;
@group(0) @binding(0) var<storage, read> terms: array<f32>;
@group(0) @binding(1) var<storage, read_write> folded: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = linearIndex(id, groups);
  if (i >= TERMS) { return; }
  var sum = 0.0;
  for (var n = i; n < COUNT; n += TERMS) { sum += terms[n]; }
  folded[i] = sum;
}
