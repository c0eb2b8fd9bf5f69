// Sum and maximum over a workgroup of 128, to every thread, in a fixed order. Call in uniform control flow.
// #include "prelude/workgroupSum.wgsl"

fn workgroupMax(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  partials[thread] = value;
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partials[thread] = max(partials[thread], partials[thread + half]); }
  }
  return workgroupUniformLoad(&partials[0]);
}
