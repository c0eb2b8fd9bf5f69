// Generated from shaders/wgsl/optim by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  adamw: `// p *= decay;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
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

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

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
`,
  applyClip: `// g[e] *= factor, where clip = [norm, factor]; nothing is written when the factor is 1.
// g (COUNT), clip (2) from optim/clipFactor. Grid: linear over COUNT.
override COUNT: u32;
@group(0) @binding(0) var<storage, read> clip: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT || clip[1] == 1.0) { return; }
  g[at] *= clip[1];
}
`,
  clipFactor: `// norm = sqrt(sum of partials);  factor = maxNorm / (norm + 1e-6) if norm > maxNorm, else 1        (torch.nn.utils.clip_grad_norm_)
// partials (COUNT) from optim/squareSum. clip: [norm, factor], overwritten. maxNorm <= 0 means no clipping. One thread: [1, 1, 1].
override COUNT: u32;
struct Settings { maxNorm: f32 }
@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> clip: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = vec4<f32>();
  let whole = COUNT / 4u * 4u;
  for (var n = 0u; n < whole; n += 4u) { sum += vec4(partials[n], partials[n + 1u], partials[n + 2u], partials[n + 3u]); }
  for (var n = whole; n < COUNT; n++) { sum.x += partials[n]; }
  let norm = sqrt((sum.x + sum.y) + (sum.z + sum.w));
  clip[0] = norm;
  clip[1] = select(1.0, settings.maxNorm / (norm + 1e-6), settings.maxNorm > 0.0 && norm > settings.maxNorm);
}
`,
  foldTerms: `// folded[i] = sum over k of terms[i + k TERMS], i < TERMS, in a fixed order; overwritten.
// terms (COUNT), folded (TERMS). What one thread adds up at the end is then short: 60,000 additions one after another are milliseconds on
// a GPU, as each waits for memory. Neighbours read neighbours. Grid: linear over TERMS.
override COUNT: u32;
override TERMS: u32;
@group(0) @binding(0) var<storage, read> terms: array<f32>;
@group(0) @binding(1) var<storage, read_write> folded: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = linearIndex(id, groups);
  if (i >= TERMS) { return; }
  var sum = 0.0;
  for (var n = i; n < COUNT; n += TERMS) { sum += terms[n]; }
  folded[i] = sum;
}
`,
  narrow: `// compute = master, stored narrower, over a whole pool. One thread four elements.
override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
@group(0) @binding(0) var<storage, read> master: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> compute: array<f32>; // storage: compute vec4

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = itemOf(id, groups);
  if (i >= arrayLength(&compute)) { return; }
  set4_compute(4u * i, master[i]);
}
`,
  squareSum: `// partials[FIRST + n] = sum of g[e]^2 over the elements e of chunk n (CHUNK elements)
// g (COUNT). A thread a chunk, four running sums, fixed order. Grid: linear over ceil(COUNT / CHUNK).
override COUNT: u32;
override CHUNK: u32;
override FIRST: u32;
@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let chunk = linearIndex(id, groups);
  if (chunk >= (COUNT + CHUNK - 1u) / CHUNK) { return; }
  let start = chunk * CHUNK;
  let end = min(start + CHUNK, COUNT);
  let whole = start + (end - start) / 4u * 4u;
  var sum = vec4<f32>();
  for (var e = start; e < whole; e += 4u) {
    let v = vec4(g[e], g[e + 1u], g[e + 2u], g[e + 3u]);
    sum += v * v;
  }
  for (var e = whole; e < end; e++) { sum.x += g[e] * g[e]; }
  partials[FIRST + chunk] = (sum.x + sum.y) + (sum.z + sum.w);
}
`,
  unscale: `// g *= factor, and report[0] = 1.0 where an element of g is infinite or not a number (else it is left alone).
// g (4 * COUNT); a factor of 1 writes nothing. One thread four elements. Grid: linear over COUNT.
override COUNT: u32;
struct Settings { factor: f32 }
@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> g: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> report: array<atomic<u32>>;

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  if (at >= COUNT) { return; }
  let bits = g[at];
  if (any((bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u))) { atomicStore(&report[0], bitcast<u32>(1.0)); }
  if (settings.factor != 1.0) { g[at] = bitcast<vec4<u32>>(bitcast<vec4<f32>>(bits) * settings.factor); }
}
`,
} as const;
