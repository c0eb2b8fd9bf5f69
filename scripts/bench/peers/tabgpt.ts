/**
 * jbingen/tabgpt's own training step, from the checkout that TABGPT_DIR names (bundled when the benchmark starts; none of it is in
 * this repository). A GPT of the same width, depth, tokens and parameters; its weights, activation and loss are its own.
 */
import { GPT, setF16 } from "tabgpt/model";
import { ADAM, type Contestant, type PeerSize } from "./contestant.ts";
import { targetsOf } from "./weights.ts";

export async function tabgpt(gpu: GPU, size: PeerSize): Promise<Contestant> {
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("tabgpt found no WebGPU");
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  setF16(false);
  const { hiddenSize, numLayers, numHeads, vocabSize } = size.config;
  const model = new GPT(device, {
    B: size.sequences,
    T: size.sequenceTokens,
    C: hiddenSize,
    L: numLayers,
    NH: numHeads,
    V: vocabSize,
    lr: ADAM.learningRate,
    warmup: 0,
    f16: false,
  });
  return {
    parameters: model.numParams,
    step: (tokens) => model.trainStep(Uint32Array.from(tokens), Uint32Array.from(targetsOf(size, tokens).targets)),
    settle: () => device.queue.onSubmittedWorkDone().then(() => {}),
  };
}
