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
