// p *= decay;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
// p -= stepSize * m / (sqrt(v) * secondScale + epsilon)                 (AdamW, Loshchilov and Hutter 2019, as torch.optim.AdamW)
// The host sets decay = 1 - lr * weightDecay, stepSize = lr / (1 - beta1^t), secondScale = 1 / sqrt(1 - beta2^t), in f64.
// p, m, v, g (COUNT); p, m and v are updated. A p below 2^-125 is stored as +0, the form every adapter keeps (DESIGN.md 4).
// Grid: linear over COUNT.
override COUNT: u32;
struct Settings {
  decay: f32, stepSize: f32, secondScale: f32, epsilon: f32,
  beta1: f32, beta2: f32, oneMinusBeta1: f32, oneMinusBeta2: f32,
}
@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

// #include "prelude/linearIndex.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let first = settings.beta1 * m[at] + settings.oneMinusBeta1 * g[at];
  let second = settings.beta2 * v[at] + settings.oneMinusBeta2 * g[at] * g[at];
  m[at] = first;
  v[at] = second;
  let next = p[at] * settings.decay - settings.stepSize * first / (sqrt(second) * settings.secondScale + settings.epsilon);
  p[at] = select(next, 0.0, (bitcast<u32>(next) & 0x7f000000u) == 0u);
}
