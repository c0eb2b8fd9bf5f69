// of a matrix product of a subgroup; result matrices of a subgroup along rows and columns; threads that a subgroup has at most
const M = 0u; // baked
const N = 0u; // baked
const K = 0u; // baked
const ROW_MATRICES = 0u; // baked
const COLUMN_MATRICES = 0u; // baked
const LANES = 0u; // baked
// subgroups of a workgroup along rows and columns; depth of a tile in matrices
const ROW_SUBGROUPS = 0u; // baked
const COLUMN_SUBGROUPS = 0u; // baked
const DEPTH_MATRICES = 0u; // baked

const A_INNER_CONTIGUOUS = false; // baked
const B_INNER_CONTIGUOUS = false; // baked
// an operand that is a gradient becomes infinite where halves end, so that loss scaling sees it; others stop there
const A_IS_GRADIENT = false; // baked

const TILE_ROWS = ROW_SUBGROUPS * ROW_MATRICES * M;
const TILE_COLUMNS = COLUMN_SUBGROUPS * COLUMN_MATRICES * N;
const DEPTH = DEPTH_MATRICES * K;
// from one line of a tile to the next, in the order of memory: eight more spread a column over the banks
const A_PITCH = select(TILE_ROWS, DEPTH, A_INNER_CONTIGUOUS) + 8u;
const B_PITCH = select(TILE_COLUMNS, DEPTH, B_INNER_CONTIGUOUS) + 8u;
const A_LINES = select(DEPTH, TILE_ROWS, A_INNER_CONTIGUOUS);
const B_LINES = select(DEPTH, TILE_COLUMNS, B_INNER_CONTIGUOUS);
var<workgroup> aTile: array<Half, A_LINES * A_PITCH>;
var<workgroup> bTile: array<Half, B_LINES * B_PITCH>;
// one result matrix of each subgroup, on its way to c
var<workgroup> strips: array<f32, ROW_SUBGROUPS * COLUMN_SUBGROUPS * M * N>;
