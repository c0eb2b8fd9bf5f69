/**
 * A portion of the model that several devices hold alike, and its way between them and the primary, which holds the whole: weights go
 * out when they have changed, gradients come back and are added up in a fixed order.
 */
import * as kernels from "@starling/shaders/kernels/parallel";
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Dispatch } from "../device/device.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
import { ParameterSet, type ParameterCopy, type ParameterShape } from "../model/parameterSet.ts";
import { tensorSlice, type Shard } from "./shards.ts";
import { Transfer } from "./transfer.ts";

/** Who holds no master copy has these. */
export const WORKING_COPIES: readonly ParameterCopy[] = ["compute", "grad"];

export interface Portion {
  /** Everyone's compute weights := the primary's. `holders`: as many of the sets as will work. */
  distribute(holders: number): Promise<void>;
  /** The primary's gradients += those of the first `holders` sets, one after the other. */
  collect(holders: number): Promise<void>;
  dispose(): void;
}

/** The whole model. `sets[0]` is the primary's own, so that its gradients are there already; `tileChunk` as it was made with. */
export async function wholePortion(sets: readonly ParameterSet[], tileChunk?: number): Promise<Portion> {
  const [primary, ...others] = sets;
  const { device } = primary;
  // laid out as the primary's, so that they are added pool by pool
  const incoming = new ParameterSet(device, primary.parameters, primary.computeStorage, ["grad"], tileChunk);
  const sizes = new Map<string, GPUBuffer>();
  const list = new DispatchListBuilder(device, sizes);
  for (const [n, bytes] of primary.poolBytes.entries()) {
    list.call(kernels.accumulate(bytes / 4), incoming.pools("grad")[n], primary.pools("grad")[n]);
  }
  const add = await list.build();
  const weights = new Transfer(primary, "compute");
  const gradients = others.map((set) => new Transfer(set, "grad"));
  return {
    distribute: (holders) => weights.run(others.slice(0, holders - 1)),
    async collect(holders) {
      for (const transfer of gradients.slice(0, holders - 1)) {
        await transfer.run([incoming]);
        device.run(add);
      }
    },
    dispose() {
      incoming.dispose();
      for (const buffer of sizes.values()) buffer.destroy();
    },
  };
}

/** A shard's tensors: their names, and the shapes they have there. */
export function shardShapes(whole: readonly ParameterShape[], config: LlamaConfig, shard: Shard): ParameterShape[] {
  return whole.map(({ name, shape }) => {
    const { rows, columns } = tensorSlice(config, { name, shape }, shard);
    return { name, shape: rows === 1 ? [columns] : [rows, columns] };
  });
}

/** The shard of `primary` that `sets` hold. The first shard's first set is on the primary itself, and is where it cuts the weights. */
export async function shardPortion(
  primary: ParameterSet,
  config: LlamaConfig,
  shard: Shard,
  sets: readonly ParameterSet[],
): Promise<Portion> {
  const { device } = primary;
  const isHere = sets[0].device === device;
  const own = isHere ? sets[0] : new ParameterSet(device, shardShapes(primary.parameters, config, shard), "f32", WORKING_COPIES);
  const others = isHere ? sets.slice(1) : sets;
  const sizes = new Map<string, GPUBuffer>();
  const cut = new DispatchListBuilder(device, sizes);
  const add = new DispatchListBuilder(device, sizes);
  for (const parameter of primary.parameters) {
    const { name } = parameter;
    const { rows, columns, pitch, first, isWhole } = tensorSlice(config, parameter, shard);
    const [there, here] = [
      { pitch, first },
      { pitch: columns, first: 0 },
    ];
    cut.call(kernels.copyColumns(rows, columns, there, here, "overwrite"), primary.slice("compute", name), own.slice("compute", name));
    // what every device has whole is counted once
    if (isWhole && shard.index > 0) continue;
    add.call(kernels.copyColumns(rows, columns, here, there, "add"), own.slice("grad", name), primary.slice("grad", name));
  }
  const [cutList, addList]: [Dispatch[], Dispatch[]] = await Promise.all([cut.build(), add.build()]);
  const weights = new Transfer(own, "compute");
  const gradients = others.map((set) => new Transfer(set, "grad"));
  const holdersElsewhere = (holders: number) => (isHere ? holders - 1 : holders);
  return {
    async distribute(holders) {
      device.run(cutList);
      await weights.run(others.slice(0, holdersElsewhere(holders)));
    },
    async collect(holders) {
      if (isHere) device.run(addList);
      for (const transfer of gradients.slice(0, holdersElsewhere(holders))) {
        await transfer.run([own]);
        device.run(addList);
      }
    },
    dispose() {
      if (!isHere) own.dispose();
      for (const buffer of sizes.values()) buffer.destroy();
    },
  };
}
