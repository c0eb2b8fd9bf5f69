// norm = sqrt(sum of partials);  factor = maxNorm / (norm + 1e-6) if norm > maxNorm, else 1        (torch.nn.utils.clip_grad_norm_)
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
