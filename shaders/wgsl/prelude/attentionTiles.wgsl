// Tiles of attention in workgroup memory, 14 KiB. A workgroup of 16 x 8 threads has 64 rows of its own side (a thread 4 of them)
// and meets the other side 32 rows at a time: products of rows, 4 x 4 a thread, then sums of the other side's rows weighed by them.
const THREADS = 128u;
const OWN = 64u;
const OTHER = 32u;
const DEPTH = 16u; // dimensions staged at once for products
const WIDTH = 32u; // dimensions staged at once for sums
var<workgroup> staged: array<vec4<f32>, 384>;
var<workgroup> weights: array<vec4<f32>, 512>; // (other row, 4 own rows)

/** Products of a thread: of 4 own rows with each of 4 other rows. */
alias Products = array<vec4<f32>, 4>;

/**
 * For products, rows lie across: staged[dimension, 4 rows]. Threads 0 to 63 bring 4 rows x 4 dimensions of the own side each,
 * 64 to 95 of the other. `second`: of the kernel's second pair of tensors.
 */
fn stageProducts(thread: u32, own: u32, other: u32, d: u32, second: bool) {
  let at = d + thread % 4u * 4u;
  if (thread < 64u) {
    let row = own + thread / 4u * 4u;
    let x0 = loadOwn(row, at, second);
    let x1 = loadOwn(row + 1u, at, second);
    let x2 = loadOwn(row + 2u, at, second);
    let x3 = loadOwn(row + 3u, at, second);
    let to = thread % 4u * 64u + thread / 4u;
    staged[to] = vec4(x0.x, x1.x, x2.x, x3.x);
    staged[to + 16u] = vec4(x0.y, x1.y, x2.y, x3.y);
    staged[to + 32u] = vec4(x0.z, x1.z, x2.z, x3.z);
    staged[to + 48u] = vec4(x0.w, x1.w, x2.w, x3.w);
  } else if (thread < 96u) {
    let row = other + (thread - 64u) / 4u * 4u;
    let x0 = loadOther(row, at, second);
    let x1 = loadOther(row + 1u, at, second);
    let x2 = loadOther(row + 2u, at, second);
    let x3 = loadOther(row + 3u, at, second);
    let to = 256u + thread % 4u * 32u + (thread - 64u) / 4u;
    staged[to] = vec4(x0.x, x1.x, x2.x, x3.x);
    staged[to + 8u] = vec4(x0.y, x1.y, x2.y, x3.y);
    staged[to + 16u] = vec4(x0.z, x1.z, x2.z, x3.z);
    staged[to + 24u] = vec4(x0.w, x1.w, x2.w, x3.w);
  }
}

/** For sums, rows lie along: staged[row, 4 dimensions], 32 dimensions from `d` on. */
fn stageSums(thread: u32, other: u32, d: u32, second: bool) {
  for (var n = thread; n < OTHER * 8u; n += THREADS) { staged[n] = loadOther(other + n / 8u, d + n % 8u * 4u, second); }
}

/** Over the dimensions that `stageProducts` brought. */
fn addProducts(products: ptr<function, Products>, own: u32, other: u32) {
  for (var d = 0u; d < DEPTH; d++) {
    let x = staged[d * 16u + own];
    let y = staged[256u + d * 8u + other];
    (*products)[0] += x * y.x;
    (*products)[1] += x * y.y;
    (*products)[2] += x * y.z;
    (*products)[3] += x * y.w;
  }
}

fn putWeights(p: Products, own: u32, other: u32) {
  let at = other * 64u + own;
  weights[at] = p[0];
  weights[at + 16u] = p[1];
  weights[at + 32u] = p[2];
  weights[at + 48u] = p[3];
}

/** 4 dimensions of each of the 4 own rows, from what `stageSums` brought. */
fn weighedRows(own: u32, lane: u32) -> Products {
  var sums = Products();
  for (var r = 0u; r < OTHER; r++) {
    let p = weights[r * 16u + own];
    let x = staged[r * 8u + lane];
    sums[0] += p.x * x;
    sums[1] += p.y * x;
    sums[2] += p.z * x;
    sums[3] += p.w * x;
  }
  return sums;
}
