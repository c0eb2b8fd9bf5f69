// Generated from shaders/wgsl/attention by scripts/embedShaders.mjs: edit those files instead.
/* oxlint-disable */
export const wgsl = {
  backwardKeysGpu: `// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueriesGpu.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// The contract of attention/backwardKeysSoftware.wgsl. A workgroup: 64 keys of one key head, which meet the queries of all heads of
// the group, 32 at a time (prelude/attentionTiles.wgsl): nothing is added atomically.
// Grid: folded, batch * keyHeads * ceil(sequence / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // storage: dk
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // storage: dv

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}
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
 * 64 to 95 of the other. \`second\`: of the kernel's second pair of tensors.
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

/** For sums, rows lie along: staged[row, 4 dimensions], 32 dimensions from \`d\` on. */
fn stageSums(thread: u32, other: u32, d: u32, second: bool) {
  for (var n = thread; n < OTHER * 8u; n += THREADS) { staged[n] = loadOther(other + n / 8u, d + n % 8u * 4u, second); }
}

/** Over the dimensions that \`stageProducts\` brought. */
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

/** 4 dimensions of each of the 4 own rows, from what \`stageSums\` brought. */
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

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let perKey = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * perKey;
  let tiles = (shape.sequence + OWN - 1u) / OWN;
  let heads = shape.batch * shape.keyHeads;
  let item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= heads * tiles) { return; }
  let first = item / heads * OWN; // the longest first: the last to start then end soon
  group = perKey;
  keyHead = item % heads % shape.keyHeads;
  firstRow = item % heads / shape.keyHeads * shape.sequence;
  let own = thread / 8u;
  let lane = thread % 8u;
  let mine = vec4(first + own * 4u) + vec4(0u, 1u, 2u, 3u);

  var keys: array<vec4<f32>, 4 * WIDTHS>;
  var values: array<vec4<f32>, 4 * WIDTHS>;
  for (var i = first * perKey; i < queries; i += OTHER) {
    var s = Products(); // k . q
    var t = Products(); // v . dOut
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, i, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
      workgroupBarrier();
      stageProducts(thread, first, i, d, true);
      workgroupBarrier();
      addProducts(&t, own, lane);
    }
    for (var c = 0u; c < 4u; c++) {
      let query = i + lane * 4u + c;
      let at = queryAt(query);
      let seen = (mine <= vec4(query / perKey)) & vec4(query < queries);
      s[c] = select(vec4<f32>(), exp(s[c] * shape.scale - lse[at]), seen);
      t[c] = shape.scale * s[c] * (t[c] - delta[at]);
    }
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, i, w * WIDTH, true);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { values[w * 4u + r] += more[r]; }
    }
    workgroupBarrier();
    putWeights(t, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, i, w * WIDTH, false);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { keys[w * 4u + r] += more[r]; }
    }
  }
  for (var r = 0u; r < 4u && mine[r] < shape.sequence; r++) {
    let at = keyAt(mine[r]) * shape.headDim;
    for (var w = 0u; w < WIDTHS; w++) {
      store_dk(at, w * WIDTH + lane * 4u, keys[w * 4u + r]);
      store_dv(at, w * WIDTH + lane * 4u, values[w * 4u + r]);
    }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = queryAt(row) * shape.headDim;
  if (second) { return load_dOut(at, d); }
  return load_q(at, d);
}
`,
  backwardKeysSoftware: `// Gradients of causal attention with respect to k and v, with p and ds as in attention/backwardQueriesSoftware.wgsl:
//   dv[j] = sum over i >= j of p[i, j] dOut[i];  dk[j] = sum over i >= j of ds[i, j] q[i], over all query heads of the group
// Shapes as in attention/forwardSoftware.wgsl; dk, dv as k: overwritten. delta comes from backwardQueries.
// A workgroup of 4 threads makes 16 keys and a chunk of dimensions and walks the queries of all heads of the group, so nothing is added
// atomically. Grid: folded, batch * keyHeads * ceil(sequence / 16) * chunks workgroups.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>; // storage: dk
@group(0) @binding(8) var<storage, read_write> dv: array<f32>; // storage: dv

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let headDim = shape.headDim;
  group = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * group;
  let chunks = (headDim + CHUNK - 1u) / CHUNK;
  let tiles = (shape.sequence + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * CHUNK;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let j = first + lane * 4u;
  // 4 times: r
  let k$r = keyAt(j + $ru) * headDim;
  // V times: c
  var dk$r_$c = vec4<f32>();
  var dv$r_$c = vec4<f32>();
  // end c
  // end r
  // own here
  for (var i = first * group; i < queries; i += KEYS) {
    // K times: n
    let row$n = queryAt(i + $nu);
    let q$n = row$n * headDim;
    var s$n = vec4<f32>(); // of query $n with the thread's 4 keys
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let k$r_$c = load_k(k$r, d + $cu * 4u);
      let v$r_$c = load_v(k$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // K times: n
      // V times: c
      let q$n_$c = load_q(q$n, d + $cu * 4u);
      let o$n_$c = load_dOut(q$n, d + $cu * 4u);
      // 4 times: r
      s$n.$rc += dot(k$r_$c, q$n_$c);
      t$n.$rc += dot(v$r_$c, o$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // K times: n
    let seen$n = (vec4(j, j + 1u, j + 2u, j + 3u) <= vec4((i + $nu) / group)) & vec4(i + $nu < queries);
    let p$n = select(vec4<f32>(), exp(s$n * shape.scale - lse[row$n]), seen$n);
    let ds$n = shape.scale * p$n * (t$n - delta[row$n]);
    // V times: c
    // chunk
    let x$n_$c = load_q(q$n, chunk + $cu * 4u);
    let y$n_$c = load_dOut(q$n, chunk + $cu * 4u);
    // one chunk: let x$n_$c = q$n_$c; let y$n_$c = o$n_$c;
    // 4 times: r
    dk$r_$c += ds$n.$rc * x$n_$c;
    dv$r_$c += p$n.$rc * y$n_$c;
    // end r
    // end c
    // end n
  }
  // 4 times: r
  if (j + $ru < shape.sequence) {
    // V times: c
    store_dk(k$r, chunk + $cu * 4u, dk$r_$c);
    store_dv(k$r, chunk + $cu * 4u, dv$r_$c);
    // end c
  }
  // end r
}
`,
  backwardQueriesGpu: `// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// The contract of attention/backwardQueriesSoftware.wgsl. A workgroup: 64 queries of one key head (prelude/attentionTiles.wgsl).
// Grid: folded, batch * keyHeads * ceil(sequence * group / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dq: array<f32>; // storage: dq

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}
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
 * 64 to 95 of the other. \`second\`: of the kernel's second pair of tensors.
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

/** For sums, rows lie along: staged[row, 4 dimensions], 32 dimensions from \`d\` on. */
fn stageSums(thread: u32, other: u32, d: u32, second: bool) {
  for (var n = thread; n < OTHER * 8u; n += THREADS) { staged[n] = loadOther(other + n / 8u, d + n % 8u * 4u, second); }
}

/** Over the dimensions that \`stageProducts\` brought. */
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

/** 4 dimensions of each of the 4 own rows, from what \`stageSums\` brought. */
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

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let perKey = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * perKey;
  let tiles = (queries + OWN - 1u) / OWN;
  let heads = shape.batch * shape.keyHeads;
  let item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= heads * tiles) { return; }
  let first = (tiles - 1u - item / heads) * OWN; // the longest first: the last to start then end soon
  group = perKey;
  keyHead = item % heads % shape.keyHeads;
  firstRow = item % heads / shape.keyHeads * shape.sequence;
  let own = thread / 8u;
  let lane = thread % 8u;
  let mine = vec4(first + own * 4u) + vec4(0u, 1u, 2u, 3u);
  let rows = mine / perKey; // positions of the thread's 4 queries
  let lastKey = min(first + OWN - 1u, queries - 1u) / perKey;

  let at = vec4(queryAt(mine.x), queryAt(mine.y), queryAt(mine.z), queryAt(mine.w));
  let logs = vec4(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
  var part = vec4<f32>(); // of delta, over the thread's share of the dimensions
  for (var d = lane * 4u; d < shape.headDim; d += WIDTH) {
    for (var r = 0u; r < 4u; r++) { part[r] += dot(load_out(at[r] * shape.headDim, d), load_dOut(at[r] * shape.headDim, d)); }
  }
  staged[thread] = part;
  workgroupBarrier();
  var deltas = vec4<f32>();
  for (var n = 0u; n < 8u; n++) { deltas += staged[own * 8u + n]; }

  var tile: array<vec4<f32>, 4 * WIDTHS>;
  for (var j = 0u; j <= lastKey; j += OTHER) {
    var s = Products(); // q . k
    var t = Products(); // dOut . v
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, j, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
      workgroupBarrier();
      stageProducts(thread, first, j, d, true);
      workgroupBarrier();
      addProducts(&t, own, lane);
    }
    for (var c = 0u; c < 4u; c++) {
      let p = select(vec4<f32>(), exp(s[c] * shape.scale - logs), vec4(j + lane * 4u + c) <= rows);
      s[c] = shape.scale * p * (t[c] - deltas);
    }
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, j, w * WIDTH, false);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { tile[w * 4u + r] += more[r]; }
    }
  }
  for (var r = 0u; r < 4u && mine[r] < queries; r++) {
    if (lane == 0u) { delta[at[r]] = deltas[r]; }
    for (var w = 0u; w < WIDTHS; w++) { store_dq(at[r] * shape.headDim, w * WIDTH + lane * 4u, tile[w * 4u + r]); }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = queryAt(row) * shape.headDim;
  if (second) { return load_dOut(at, d); }
  return load_q(at, d);
}
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
`,
  backwardQueriesSoftware: `// Gradient of causal attention with respect to q, from the saved lse (never T x T in memory):
//   p[i, j] = exp(scale * q[i] . k[j] - lse[i]) for j <= i;  delta[i] = dOut[i] . out[i]
//   ds[i, j] = scale * p[i, j] * (dOut[i] . v[j] - delta[i]);  dq[i] = sum over j of ds[i, j] k[j]
// Shapes and lay-out as in attention/forwardSoftware.wgsl; dq as q, delta as lse: both overwritten (backwardKeys reads delta).
// Grid: folded, batch * keyHeads * ceil(sequence * group / 16) * chunks workgroups of 4.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read> dOut: array<f32>; // storage: dOut
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dq: array<f32>; // storage: dq

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let headDim = shape.headDim;
  group = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * group;
  let chunks = (headDim + CHUNK - 1u) / CHUNK;
  let tiles = (queries + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * CHUNK;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let lastKey = min(first + 15u, queries - 1u) / group;
  // 4 times: r
  let h$r = queryAt(first + lane * 4u + $ru);
  let q$r = h$r * headDim;
  var delta$r = 0.0;
  // V times: c
  var dq$r_$c = vec4<f32>();
  // end c
  // end r
  for (var d = 0u; d < headDim; d += 4u) {
    // 4 times: r
    delta$r += dot(load_out(q$r, d), load_dOut(q$r, d));
    // end r
  }
  let i = first + lane * 4u;
  let rows = vec4(i, i + 1u, i + 2u, i + 3u) / group;
  let logs = vec4(lse[h0], lse[h1], lse[h2], lse[h3]);
  let deltas = vec4(delta0, delta1, delta2, delta3);
  // own here
  for (var j = 0u; j <= lastKey; j += KEYS) {
    // K times: n
    let k$n = keyAt(j + $nu) * headDim;
    var s$n = vec4<f32>(); // of key $n with the thread's 4 queries
    var t$n = vec4<f32>();
    // end n
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let q$r_$c = load_q(q$r, d + $cu * 4u);
      let o$r_$c = load_dOut(q$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // K times: n
      // V times: c
      let k$n_$c = load_k(k$n, d + $cu * 4u);
      let v$n_$c = load_v(k$n, d + $cu * 4u);
      // 4 times: r
      s$n.$rc += dot(q$r_$c, k$n_$c);
      t$n.$rc += dot(o$r_$c, v$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // K times: n
    let ds$n = select(vec4<f32>(), shape.scale * exp(s$n * shape.scale - logs) * (t$n - deltas), vec4(j + $nu) <= rows);
    // V times: c
    // chunk
    let x$n_$c = load_k(k$n, chunk + $cu * 4u);
    // one chunk: let x$n_$c = k$n_$c;
    // 4 times: r
    dq$r_$c += ds$n.$rc * x$n_$c;
    // end r
    // end c
    // end n
  }
  // 4 times: r
  if (i + $ru < queries) {
    // V times: c
    store_dq(q$r, chunk + $cu * 4u, dq$r_$c);
    // end c
    if (chunk == 0u) { delta[h$r] = delta$r; }
  }
  // end r
}
`,
  forwardGpu: `// Causal attention with grouped heads, never T x T in memory (FlashAttention, arXiv 2205.14135 and 2307.08691):
//   s[i, j] = scale * q[i] . k[j] for j <= i;  out[i] = softmax(s[i]) v;  lse[i] = log(sum over j of exp(s[i, j]))
// The contract of attention/forwardSoftware.wgsl. A workgroup: 64 queries of one key head (prelude/attentionTiles.wgsl).
// Tiles above the diagonal are not visited.
// Grid: folded, batch * keyHeads * ceil(sequence * group / 64) workgroups. WIDTHS (in the text): ceil(headDim / 32).
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read_write> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}
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
 * 64 to 95 of the other. \`second\`: of the kernel's second pair of tensors.
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

/** For sums, rows lie along: staged[row, 4 dimensions], 32 dimensions from \`d\` on. */
fn stageSums(thread: u32, other: u32, d: u32, second: bool) {
  for (var n = thread; n < OTHER * 8u; n += THREADS) { staged[n] = loadOther(other + n / 8u, d + n % 8u * 4u, second); }
}

/** Over the dimensions that \`stageProducts\` brought. */
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

/** 4 dimensions of each of the 4 own rows, from what \`stageSums\` brought. */
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

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

fn largest(staging: u32) -> vec4<f32> {
  var m = staged[staging];
  for (var n = 1u; n < 8u; n++) { m = max(m, staged[staging + n]); }
  return m;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let perKey = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * perKey;
  let tiles = (queries + OWN - 1u) / OWN;
  let heads = shape.batch * shape.keyHeads;
  let item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= heads * tiles) { return; }
  let first = (tiles - 1u - item / heads) * OWN; // the longest first: the last to start then end soon
  group = perKey;
  keyHead = item % heads % shape.keyHeads;
  firstRow = item % heads / shape.keyHeads * shape.sequence;
  let own = thread / 8u;
  let lane = thread % 8u;
  let mine = vec4(first + own * 4u) + vec4(0u, 1u, 2u, 3u);
  let rows = mine / perKey; // positions of the thread's 4 queries
  let lastKey = min(first + OWN - 1u, queries - 1u) / perKey;

  var m = vec4(MASKED);
  var sum = vec4<f32>(); // of the thread's own columns: added up over the 8 lanes at the end
  var tile: array<vec4<f32>, 4 * WIDTHS>;
  for (var j = 0u; j <= lastKey; j += OTHER) {
    var s = Products();
    for (var d = 0u; d < shape.headDim; d += DEPTH) {
      workgroupBarrier();
      stageProducts(thread, first, j, d, false);
      workgroupBarrier();
      addProducts(&s, own, lane);
    }
    for (var c = 0u; c < 4u; c++) { s[c] = select(vec4(MASKED), s[c] * shape.scale, vec4(j + lane * 4u + c) <= rows); }
    workgroupBarrier();
    staged[thread] = max(max(s[0], s[1]), max(s[2], s[3]));
    workgroupBarrier();
    let next = max(m, largest(own * 8u));
    let decay = exp(m - next);
    m = next;
    for (var c = 0u; c < 4u; c++) { s[c] = exp(s[c] - m); }
    sum = sum * decay + (s[0] + s[1] + s[2] + s[3]);
    putWeights(s, own, lane);
    for (var w = 0u; w < WIDTHS; w++) {
      workgroupBarrier();
      stageSums(thread, j, w * WIDTH, true);
      workgroupBarrier();
      let more = weighedRows(own, lane);
      for (var r = 0u; r < 4u; r++) { tile[w * 4u + r] = tile[w * 4u + r] * decay[r] + more[r]; }
    }
  }
  workgroupBarrier();
  staged[thread] = sum;
  workgroupBarrier();
  sum = vec4<f32>();
  for (var n = 0u; n < 8u; n++) { sum += staged[own * 8u + n]; }
  let logs = m + log(sum);
  for (var r = 0u; r < 4u && mine[r] < queries; r++) {
    let at = queryAt(mine[r]);
    if (lane == 0u) { lse[at] = logs[r]; }
    for (var w = 0u; w < WIDTHS; w++) { store_out(at * shape.headDim, w * WIDTH + lane * 4u, tile[w * 4u + r] / sum[r]); }
  }
}

fn loadOwn(row: u32, d: u32, second: bool) -> vec4<f32> { return load_q(queryAt(row) * shape.headDim, d); }
fn loadOther(row: u32, d: u32, second: bool) -> vec4<f32> {
  let at = keyAt(row) * shape.headDim;
  if (second) { return load_v(at, d); }
  return load_k(at, d);
}
`,
  forwardSoftware: `// Causal attention with grouped heads, never T x T in memory (online softmax, as FlashAttention):
//   s[i, j] = scale * q[i] . k[j] for j <= i;  out[i] = softmax(s[i]) v;  lse[i] = log(sum over j of exp(s[i, j]))
// q, out (batch*sequence, queryHeads*headDim), k, v (batch*sequence, keyHeads*headDim), lse (batch*sequence, queryHeads).
// out and lse are overwritten. Query head h reads key head h / (queryHeads / keyHeads). Any headDim.
// The queries of a key head are one list, head by head within a row. A workgroup of 4 threads makes 16 of them and a chunk of
// dimensions: all, up to 32, else 16 (scores are recomputed for every further chunk); no workgroup memory. All 4 threads walk the
// same keys, to the last one's diagonal: a 4-wide software adapter then loads k and v once for all, and no lane sleeps.
// Grid: folded, batch * keyHeads * ceil(sequence * group / 16) * chunks workgroups.
// The shape is a uniform, not override constants: compiling is the larger cost on a software adapter, and one pipeline serves many.
// The text is expanded before it is compiled (expandRows in src/kernels/attention.ts): lines between \`// 4 times: r\` and \`// end r\`
// are written four times, with $r 0 to 3 and $rc the component x to w; V: vectors of a chunk, K: keys met at once. Where one chunk
// is all, the own rows are loaded once, at \`// own here\`, and what \`// one chunk:\` says takes the place of the lines since \`// chunk\`.
// Arrays indexed in a loop live in memory on a software adapter, and so does what a loop carries: named constants in registers.
struct Shape {
  batch: u32, sequence: u32, queryHeads: u32, keyHeads: u32, headDim: u32, scale: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read> k: array<f32>; // storage: k
@group(0) @binding(3) var<storage, read> v: array<f32>; // storage: v
@group(0) @binding(4) var<storage, read_write> out: array<f32>; // storage: out
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

var<private> firstRow: u32; // of the sequence, in the batch
var<private> keyHead: u32;
var<private> group: u32; // query heads of a key head

/** Row of a query: the queries of a key head are one list, head by head within a row, so that they share the tiles of k and v. */
fn queryAt(query: u32) -> u32 {
  let at = min(query, shape.sequence * group - 1u); // past the end: the last one, which weighs nothing and is not stored
  return (firstRow + at / group) * shape.queryHeads + keyHead * group + at % group;
}
fn keyAt(row: u32) -> u32 {
  return (firstRow + min(row, shape.sequence - 1u)) * shape.keyHeads + keyHead;
}

const MASKED = -1e30; // finite: the difference of two infinities would be NaN

fn largest(m: f32, s: vec4<f32>) -> f32 {
  return max(m, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let headDim = shape.headDim;
  group = shape.queryHeads / shape.keyHeads;
  let queries = shape.sequence * group;
  let chunks = (headDim + CHUNK - 1u) / CHUNK;
  let tiles = (queries + 15u) / 16u;
  var item = workgroup.x + workgroup.y * workgroups.x;
  if (item >= shape.batch * shape.keyHeads * tiles * chunks) { return; }
  let chunk = item % chunks * CHUNK;
  item /= chunks;
  let first = item % tiles * 16u;
  item /= tiles;
  keyHead = item % shape.keyHeads;
  firstRow = item / shape.keyHeads * shape.sequence;
  let lastKey = min(first + 15u, queries - 1u) / group;
  // 4 times: r
  let h$r = queryAt(first + lane * 4u + $ru);
  let q$r = h$r * headDim;
  let i$r = (first + lane * 4u + $ru) / group;
  var m$r = MASKED;
  var l$r = 0.0;
  // V times: c
  var out$r_$c = vec4<f32>();
  // end c
  // end r
  // own here
  for (var j = 0u; j <= lastKey; j += 4u) {
    // 4 times: r
    var s$r = vec4<f32>();
    let k$r = keyAt(j + $ru) * headDim;
    // end r
    for (var d = 0u; d < headDim; d += CHUNK) {
      // own
      // 4 times: r
      // V times: c
      let q$r_$c = load_q(q$r, d + $cu * 4u);
      // end c
      // end r
      // end own
      // 4 times: n
      // V times: c
      let k$n_$c = load_k(k$n, d + $cu * 4u);
      // 4 times: r
      s$r.$nc += dot(q$r_$c, k$n_$c);
      // end r
      // end c
      // end n
    } // dimensions
    // 4 times: r
    s$r = select(vec4(MASKED), s$r * shape.scale, vec4(j, j + 1u, j + 2u, j + 3u) <= vec4(i$r));
    let n$r = largest(m$r, s$r);
    let p$r = exp(s$r - n$r);
    let e$r = exp(m$r - n$r);
    m$r = n$r;
    l$r = l$r * e$r + (p$r.x + p$r.y + p$r.z + p$r.w);
    // end r
    // V times: c
    // 4 times: n
    let v$n_$c = load_v(k$n, chunk + $cu * 4u);
    // end n
    // 4 times: r
    out$r_$c = out$r_$c * e$r + p$r.x * v0_$c + p$r.y * v1_$c + p$r.z * v2_$c + p$r.w * v3_$c;
    // end r
    // end c
  }
  // 4 times: r
  if (first + lane * 4u + $ru < queries) {
    // V times: c
    store_out(q$r, chunk + $cu * 4u, out$r_$c / l$r);
    // end c
    if (chunk == 0u) { lse[h$r] = m$r + log(l$r); }
  }
  // end r
}
`,
  rope: `// Rotates each head's pair (u, w) = (x[i], x[i + HEAD_DIM/2]) by the angle of its position, in place (half-split, as rotate_half):
//   u' = u * cos - SIGN * w * sin,  w' = w * cos + SIGN * u * sin
// SIGN is 1 forward and -1 for gradients. table (2, SEQUENCE, HEAD_DIM/2): cos, then sin, from the CPU in f64.
// q (ROWS, QUERY_HEADS*HEAD_DIM), k (ROWS, KEY_HEADS*HEAD_DIM). Grid: linear over ROWS*(QUERY_HEADS+KEY_HEADS)*HEAD_DIM/2.
override ROWS: u32;
override SEQUENCE: u32;
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
override HEAD_DIM: u32;
override SIGN: f32;
@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read_write> k: array<f32>; // storage: k

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = HEAD_DIM / 2u;
  let heads = QUERY_HEADS + KEY_HEADS;
  if (at >= ROWS * heads * half) { return; }
  let i = at % half;
  let head = at / half % heads;
  let row = at / half / heads;
  let angle = row % SEQUENCE * half + i;
  let cosine = table[angle];
  let sine = SIGN * table[SEQUENCE * half + angle];
  if (head < QUERY_HEADS) {
    let p = (row * QUERY_HEADS + head) * HEAD_DIM + i;
    let u = get_q(p);
    let w = get_q(p + half);
    set_q(p, u * cosine - w * sine);
    set_q(p + half, w * cosine + u * sine);
  } else {
    let p = (row * KEY_HEADS + head - QUERY_HEADS) * HEAD_DIM + i;
    let u = get_k(p);
    let w = get_k(p + half);
    set_k(p, u * cosine - w * sine);
    set_k(p + half, w * cosine + u * sine);
  }
}
`,
  ropePairs: `// rope.wgsl for a HEAD_DIM that four divides and q, k in any storage: a thread takes two neighbouring pairs of a head.
// Grid: linear over ROWS*(QUERY_HEADS+KEY_HEADS)*HEAD_DIM/4.
override ROWS: u32;
override SEQUENCE: u32;
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
override HEAD_DIM: u32;
override SIGN: f32;
@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>; // storage: q
@group(0) @binding(2) var<storage, read_write> k: array<f32>; // storage: k

const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let at = linearIndex(id, groups);
  let half = HEAD_DIM / 2u;
  let steps = half / 2u;
  let heads = QUERY_HEADS + KEY_HEADS;
  if (at >= ROWS * heads * steps) { return; }
  let i = 2u * (at % steps);
  let head = at / steps % heads;
  let row = at / steps / heads;
  let angle = row % SEQUENCE * half + i;
  let cosine = vec2<f32>(table[angle], table[angle + 1u]);
  let sine = SIGN * vec2<f32>(table[SEQUENCE * half + angle], table[SEQUENCE * half + angle + 1u]);
  if (head < QUERY_HEADS) {
    let p = (row * QUERY_HEADS + head) * HEAD_DIM + i;
    let u = get2_q(p);
    let w = get2_q(p + half);
    set2_q(p, u * cosine - w * sine);
    set2_q(p + half, w * cosine + u * sine);
  } else {
    let p = (row * KEY_HEADS + head - QUERY_HEADS) * HEAD_DIM + i;
    let u = get2_k(p);
    let w = get2_k(p + half);
    set2_k(p, u * cosine - w * sine);
    set2_k(p + half, w * cosine + u * sine);
  }
}
`,
} as const;
