/** Twins of matmul/*.wgsl in f64. Matrices are row-major. */
import type { Numbers } from "./numbers.ts";

/** y (m, n) = x (m, k) W^T, W (n, k). */
export function linearForward(x: Numbers, w: Numbers, m: number, n: number, k: number): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = 0; c < k; c++) sum += x[i * k + c] * w[j * k + c];
      y[i * n + j] = sum;
    }
  }
  return y;
}

/** dx (m, k) = dy (m, n) W. */
export function linearInputGradient(dy: Numbers, w: Numbers, m: number, n: number, k: number): Float64Array {
  const dx = new Float64Array(m * k);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let c = 0; c < k; c++) dx[i * k + c] += dy[i * n + j] * w[j * k + c];
    }
  }
  return dx;
}

/** dW (n, k) = dy^T x. */
export function linearWeightGradient(dy: Numbers, x: Numbers, m: number, n: number, k: number): Float64Array {
  const dw = new Float64Array(n * k);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let c = 0; c < k; c++) dw[j * k + c] += dy[i * n + j] * x[i * k + c];
    }
  }
  return dw;
}
