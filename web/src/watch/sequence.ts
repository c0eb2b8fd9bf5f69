/** 0..length-1 in an order in which every beginning is spread evenly over the whole: a chart filled so is coarse at first, then fine. */
export function coarseToFine(length: number): number[] {
  const order: number[] = [];
  let stride = 1;
  while (stride * 2 < length) stride *= 2;
  const taken = new Uint8Array(length);
  for (; stride >= 1; stride /= 2) {
    // from the newest, which is index 0
    for (let index = 0; index < length; index += stride) {
      if (taken[index] === 1) continue;
      taken[index] = 1;
      order.push(index);
    }
  }
  return order;
}
