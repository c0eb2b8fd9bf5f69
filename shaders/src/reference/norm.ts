/** Twins of norm/*.wgsl in f64: RMSNorm. */
import type { Numbers } from "./numbers.ts";

/** y (rows, width), rstd (rows). */
export function normForward(x: Numbers, weight: Numbers, epsilon: number): { y: Float64Array; rstd: Float64Array } {
  const width = weight.length;
  const rows = x.length / width;
  const y = new Float64Array(x.length);
  const rstd = new Float64Array(rows);
  for (let m = 0; m < rows; m++) {
    let squares = 0;
    for (let c = 0; c < width; c++) squares += x[m * width + c] ** 2;
    rstd[m] = 1 / Math.sqrt(squares / width + epsilon);
    for (let c = 0; c < width; c++) y[m * width + c] = x[m * width + c] * rstd[m] * weight[c];
  }
  return { y, rstd };
}

/** dx (rows, width) and dWeight (width). */
export function normBackward(dy: Numbers, x: Numbers, weight: Numbers, rstd: Numbers): { dx: Float64Array; dWeight: Float64Array } {
  const width = weight.length;
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(width);
  for (let m = 0; m < rstd.length; m++) {
    const r = rstd[m];
    let projection = 0;
    for (let c = 0; c < width; c++) projection += dy[m * width + c] * weight[c] * x[m * width + c];
    for (let c = 0; c < width; c++) {
      const at = m * width + c;
      dx[at] = r * (dy[at] * weight[c] - (x[at] * r * r * projection) / width);
      dWeight[c] += dy[at] * x[at] * r;
    }
  }
  return { dx, dWeight };
}
