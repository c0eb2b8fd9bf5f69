/** Ours: the trainer that the engine uses, with AdamW. */
import { Device } from "@starling/trainer-core/device/device";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { ADAM, type Contestant, type PeerSize } from "./contestant.ts";

/** `maxNorm`: clips the gradient's norm as well, which tabgpt always does. `onDevice`: the device, before anything runs on it. */
export async function starling(
  gpu: GPU,
  { config, sequences, sequenceTokens }: PeerSize,
  maxNorm: number | null,
  onDevice: (device: GPUDevice) => void = () => {},
): Promise<Contestant> {
  const device = await Device.create(gpu);
  onDevice(device.gpu);
  const trainer = await LlamaTrainer.create(device, config, { microBatchSequences: sequences, sequenceTokens });
  trainer.load(initialWeights(config, 1337));
  await trainer.prepareAdamW();
  return {
    parameters: trainer.parameters.elementCount,
    async step(tokens) {
      const rows = Array.from({ length: sequences }, (_, s) => tokens.subarray(s * sequenceTokens, (s + 1) * sequenceTokens));
      const { loss } = await trainer.computeGradients(rows);
      if (maxNorm !== null) trainer.clip(maxNorm);
      await trainer.adamWStep({ ...ADAM, weightDecay: 0 });
      return loss;
    },
    settle: () => device.idle(),
  };
}
