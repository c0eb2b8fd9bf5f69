/** The same step in TensorFlow.js on its WebGPU backend, as its documentation has it: ops in `tidy`, `optimizer.minimize`. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-webgpu";
import { ADAM, type Contestant, type PeerSize } from "./contestant.ts";
import { lossShares, plainWeights, ropeAngles, targetsOf } from "./weights.ts";

export async function tfjs(size: PeerSize): Promise<Contestant> {
  if (!(await tf.setBackend("webgpu"))) throw new Error("tfjs found no WebGPU");
  await tf.ready();
  const { sequences: B, sequenceTokens: T, config } = size;
  const { numHeads: H, numKvHeads: K, headDim: D, hiddenSize: C, vocabSize: V, rmsNormEps } = config;
  const groups = H / K;
  const angles = ropeAngles(size);
  const cos = tf.tensor3d(angles.cos, [T, 1, D / 2]);
  const sin = tf.tensor3d(angles.sin, [T, 1, D / 2]);
  const shares = tf.tensor1d(lossShares(size));
  const variables = new Map<string, tf.Variable>();
  const plain = plainWeights(size);
  for (const [name, { data, shape }] of plain) variables.set(name, tf.variable(tf.tensor(data, shape), true, name));
  const weight = (name: string) => variables.get(`${name}.weight`)!;
  // queries that share a head of keys are rows of one product: (groups * T, T), 0 where they may look, far below 0 elsewhere
  const causal = tf.tidy(() => {
    const at = tf.range(0, T);
    const later = at.expandDims(0).greater(at.expandDims(1)).cast("float32").mul(-1e9);
    return later.tile([groups, 1]);
  });

  const linear = (x: tf.Tensor, name: string) => tf.matMul(x as tf.Tensor2D, weight(name) as unknown as tf.Tensor2D);
  const rmsNorm = (x: tf.Tensor, name: string) => x.mul(x.square().mean(-1, true).add(rmsNormEps).rsqrt()).mul(weight(name));
  const rotate = (x: tf.Tensor) => {
    const [a, b] = tf.split(x, 2, -1);
    return tf.concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1);
  };
  const attention = (x: tf.Tensor, prefix: string) => {
    const heads = (part: string, count: number) => linear(x, `${prefix}.${part}`).reshape([B, T, count, D]);
    const byHead = (y: tf.Tensor) => y.transpose([0, 2, 1, 3]);
    const q = byHead(rotate(heads("q_proj", H))).reshape([B * K, groups * T, D]);
    const k = byHead(rotate(heads("k_proj", K))).reshape([B * K, T, D]);
    const v = byHead(heads("v_proj", K)).reshape([B * K, T, D]);
    const scores = tf
      .matMul(q, k, false, true)
      .mul(1 / Math.sqrt(D))
      .add(causal);
    const attended = tf.matMul(tf.softmax(scores), v).reshape([B, H, T, D]);
    return linear(byHead(attended).reshape([B * T, H * D]), `${prefix}.o_proj`);
  };
  const embedding = weight("model.embed_tokens") as unknown as tf.Tensor2D;
  const loss = (tokens: tf.Tensor1D, targets: tf.Tensor1D): tf.Scalar => {
    let x: tf.Tensor = tf.gather(embedding, tokens).reshape([B * T, C]);
    for (let l = 0; l < config.numLayers; l++) {
      const prefix = `model.layers.${l}`;
      x = x.add(attention(rmsNorm(x, `${prefix}.input_layernorm`), `${prefix}.self_attn`));
      const normed = rmsNorm(x, `${prefix}.post_attention_layernorm`);
      const gate = linear(normed, `${prefix}.mlp.gate_proj`);
      const mixed = gate.mul(gate.sigmoid()).mul(linear(normed, `${prefix}.mlp.up_proj`));
      x = x.add(linear(mixed, `${prefix}.mlp.down_proj`));
    }
    const logits = tf.matMul(rmsNorm(x, "model.norm") as tf.Tensor2D, embedding, false, true);
    return tf.losses.softmaxCrossEntropy(tf.oneHot(targets, V), logits, shares, 0, tf.Reduction.SUM);
  };

  const optimizer = tf.train.adam(ADAM.learningRate, ADAM.beta1, ADAM.beta2, ADAM.epsilon);
  return {
    parameters: [...plain.values()].reduce((sum, { data }) => sum + data.length, 0),
    async step(tokens) {
      const cost = tf.tidy(() => {
        const ids = tf.tensor1d(tokens, "int32");
        const targets = tf.tensor1d(targetsOf(size, tokens).targets, "int32");
        return optimizer.minimize(() => loss(ids, targets), true)!;
      });
      const [value] = await cost.data();
      cost.dispose();
      return value;
    },
    async settle() {
      await weight("model.norm").data();
    },
  };
}
