/** Says what the driver of this environment offers, in one line. */
import { createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import { Device } from "@starling/trainer-core/device/device";
import { adapterName } from "@starling/trainer-core/device/features";

const { adapter, features } = await Device.create(await createDawn(DAWN_FLAGS));
const matrices = features.subgroupMatrices.map(({ M, N, K }) => `${M}x${N}x${K}`);
process.stdout.write(
  `${adapterName(adapter)}: ${features.shaderF16 ? "f16" : "no f16"}, subgroups of ${features.minSubgroupSize} to ${features.maxSubgroupSize}, ${
    matrices.length === 0 ? "no tensor cores" : `tensor cores of ${matrices.join(", ")}`
  }\n`,
  () => process.exit(0),
);
