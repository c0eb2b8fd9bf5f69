// Generated from shaders/wgsl/reduce by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  subgroups: `enable subgroups;
// Sum and maximum over a workgroup of 128, to every thread, in an order that the adapter fixes: reduce/tree.wgsl with two barriers
// in place of eight. Call in uniform control flow. Holds for subgroups of any size, also of several, and however threads are dealt
// to them: a subgroup's first thread leaves its result where that thread stands, the others the neutral value, and then every
// subgroup goes over all 128.
const WORKGROUP_SIZE = 128u;
var<workgroup> partials: array<f32, 128>;

fn workgroupSum(value: f32, thread: u32) -> f32 {
  let rank = subgroupExclusiveAdd(1u);
  let lanes = subgroupAdd(1u);
  let own = subgroupAdd(value);
  workgroupBarrier(); // a previous result may still be being read
  partials[thread] = select(0.0, own, rank == 0u);
  workgroupBarrier();
  var sum = 0.0;
  for (var n = rank; n < WORKGROUP_SIZE; n += lanes) { sum += partials[n]; }
  return subgroupAdd(sum);
}

fn workgroupMax(value: f32, thread: u32) -> f32 {
  let rank = subgroupExclusiveAdd(1u);
  let lanes = subgroupAdd(1u);
  let own = subgroupMax(value);
  workgroupBarrier();
  partials[thread] = own; // again and again is no harm to a maximum
  workgroupBarrier();
  var largest = own;
  for (var n = rank; n < WORKGROUP_SIZE; n += lanes) { largest = max(largest, partials[n]); }
  return subgroupMax(largest);
}
`,
  tree: `// Sum and maximum over a workgroup of 128, to every thread, in a fixed order. Call in uniform control flow.
const WORKGROUP_SIZE = 128u;
var<workgroup> partials: array<f32, 128>;
// The workgroup's sum in a fixed order, to every thread. Call in uniform control flow.
fn workgroupSum(value: f32, thread: u32) -> f32 {
  workgroupBarrier(); // a previous result may still be being read
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] += partials[thread + half]; }
  }
  return workgroupUniformLoad(&partials[0]);
}

fn workgroupMax(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] = max(partials[thread], partials[thread + half]); }
  }
  return workgroupUniformLoad(&partials[0]);
}
`,
} as const;
