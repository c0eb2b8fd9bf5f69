/** Merkle roots over values that stay on the device: only 32 bytes a tile come back. */
import { linearGrid } from "@starling/shaders";
import { tileWorkgroupSize } from "@starling/shaders/kernels/compress/index";
import { leafSha256, SHA256_ROUND_CONSTANTS } from "@starling/shaders/kernels/hash/index";
import type { Dispatch } from "../device/device.ts";
import { DIGEST_BYTES, merkleRoot } from "./merkle.ts";
import type { TilePlan } from "./tilePlan.ts";

export class LeafHasher {
  readonly #plan: TilePlan;
  readonly #digests: readonly GPUBuffer[];
  readonly #dispatches: readonly Dispatch[];

  private constructor(plan: TilePlan, digests: readonly GPUBuffer[], dispatches: readonly Dispatch[]) {
    this.#plan = plan;
    this.#digests = digests;
    this.#dispatches = dispatches;
  }

  /** Hashes `valuePools`, one buffer a pool of the plan. */
  static async create(plan: TilePlan, valuePools: readonly GPUBuffer[]): Promise<LeafHasher> {
    const { device } = plan;
    const constants = device.uniform("sha256 round constants", SHA256_ROUND_CONSTANTS.byteLength);
    device.write(constants, SHA256_ROUND_CONSTANTS);
    const size = tileWorkgroupSize(device.profile);
    const digests = plan.pools.map((p) => device.buffer(`leaf digests ${p.pool}`, p.tileCount * DIGEST_BYTES));
    const dispatches: Dispatch[] = [];
    for (const [i, { tiles, batches }] of plan.pools.entries()) {
      for (const { uniform, tileCount } of batches) {
        const buffers = [uniform, tiles, constants, valuePools[i], digests[i]];
        dispatches.push(await device.dispatch(leafSha256, { WORKGROUP_SIZE: size }, buffers, linearGrid(tileCount, size)));
      }
    }
    return new LeafHasher(plan, digests, dispatches);
  }

  /** (32) root over the values as they are after all work queued so far. */
  async root(): Promise<Uint8Array<ArrayBuffer>> {
    const { device, pools } = this.#plan;
    device.run(this.#dispatches);
    const parts = await Promise.all(pools.map((p, i) => device.read(this.#digests[i], p.tileCount * DIGEST_BYTES)));
    const leaves = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of parts) {
      leaves.set(new Uint8Array(part), at);
      at += part.byteLength;
    }
    return merkleRoot(leaves);
  }

  dispose(): void {
    for (const b of this.#digests) b.destroy();
  }
}
