/** Merkle roots over values that live on the device, leaves as in DESIGN.md section 4. */
import { linearGrid } from "@starling/shaders";
import { tileWorkgroupSize } from "@starling/shaders/kernels/compress/index";
import { leafSha256, SHA256_ROUND_CONSTANTS } from "@starling/shaders/kernels/hash/index";
import type { Dispatch } from "../device/device.ts";
import { prefixValues } from "../model/matformer.ts";
import { DIGEST_BYTES, merkleRoot, tensorLeaves } from "./merkle.ts";
import { tensorOfPools } from "../model/parameterSet.ts";
import type { TilePlan } from "./tilePlan.ts";

export interface RootHasher {
  /** (tiles, 32) leaf digests of the values as they are after all work queued so far, by tensor and tile */
  leaves(): Promise<Uint8Array<ArrayBuffer>>;
  /** (32) root over these leaves */
  root(): Promise<Uint8Array<ArrayBuffer>>;
  dispose(): void;
}

/**
 * Hashes `valuePools`, one buffer a pool of the plan. A software adapter's memory is the host's: there the host hashes, 8 ms for
 * 131 k values where the kernel takes 50.
 */
export async function createRootHasher(plan: TilePlan, valuePools: readonly GPUBuffer[]): Promise<RootHasher> {
  return plan.device.profile === "software" ? hostRootHasher(plan, valuePools) : kernelRootHasher(plan, valuePools);
}

export function hostRootHasher(plan: TilePlan, valuePools: readonly GPUBuffer[]): RootHasher {
  return withRoot({
    async leaves() {
      const pools = await Promise.all(valuePools.map((pool) => plan.device.read(pool)));
      const tensors = plan.parameters.parameters.map((p) => prefixValues(tensorOfPools(pools, p), p.shape, plan.layouts[p.index].shape));
      return tensorLeaves(plan.layouts, tensors, plan.whole);
    },
    dispose() {},
  });
}

function withRoot(hasher: Omit<RootHasher, "root">): RootHasher {
  return { ...hasher, root: async () => merkleRoot(await hasher.leaves()) };
}

/** Only 32 bytes a tile come back. */
export async function kernelRootHasher(plan: TilePlan, valuePools: readonly GPUBuffer[]): Promise<RootHasher> {
  const { device, pools } = plan;
  const constants = device.uniform("sha256 round constants", SHA256_ROUND_CONSTANTS.byteLength);
  device.write(constants, SHA256_ROUND_CONSTANTS);
  const digests = pools.map((p) => device.buffer(`leaf digests ${p.pool}`, p.tileCount * DIGEST_BYTES));
  const size = tileWorkgroupSize(device.profile);
  const dispatches: Dispatch[] = [];
  for (const [i, { tiles, batches }] of pools.entries()) {
    for (const { uniform, tileCount } of batches) {
      const buffers = [uniform, tiles, constants, valuePools[i], digests[i]];
      dispatches.push(await device.dispatch(leafSha256, { WORKGROUP_SIZE: size }, buffers, linearGrid(tileCount, size)));
    }
  }
  return withRoot({
    async leaves() {
      device.run(dispatches);
      const parts = await Promise.all(pools.map((p, i) => device.read(digests[i], p.tileCount * DIGEST_BYTES)));
      const leaves = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
      let at = 0;
      for (const part of parts) {
        leaves.set(new Uint8Array(part), at);
        at += part.byteLength;
      }
      return leaves;
    },
    dispose() {
      for (const b of [constants, ...digests]) b.destroy();
    },
  });
}
