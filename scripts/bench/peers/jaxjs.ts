/**
 * The same step in @jax-js/jax, as its documentation has it: a loss over a tree of parameters, `valueAndGrad`, Adam over the tree,
 * all of it in one `jit`. jax-js counts references: what is used again is passed as `.ref`.
 */
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { ADAM, type Contestant, type PeerSize } from "./contestant.ts";
import { lossShares, plainWeights, ropeAngles, targetsOf } from "./weights.ts";

type Layer = {
  attentionNorm: np.Array;
  q: np.Array;
  k: np.Array;
  v: np.Array;
  o: np.Array;
  mlpNorm: np.Array;
  gate: np.Array;
  up: np.Array;
  down: np.Array;
};
type Parameters = { embedding: np.Array; layers: Layer[]; norm: np.Array };

export async function jaxJs(size: PeerSize): Promise<Contestant> {
  if (!(await init("webgpu")).includes("webgpu")) throw new Error("jax-js found no WebGPU");
  defaultDevice("webgpu");
  const { sequences: B, sequenceTokens: T, config } = size;
  const { numHeads: H, numKvHeads: K, headDim: D, vocabSize: V, rmsNormEps } = config;
  const angles = ropeAngles(size);
  const table = (data: Float32Array<ArrayBuffer>) => np.array(data).reshape([T, 1, D / 2]);
  const constants = { cos: table(angles.cos), sin: table(angles.sin), shares: np.array(lossShares(size)).reshape([B, T]) };

  const rmsNorm = (x: np.Array, weight: np.Array) => {
    const meanSquare = np.square(x.ref).mean(-1, { keepdims: true });
    return x.mul(np.reciprocal(np.sqrt(meanSquare.add(rmsNormEps)))).mul(weight);
  };
  const rotate = (x: np.Array, cos: np.Array, sin: np.Array) => {
    const [a, b] = np.split(x, 2, -1);
    return np.concatenate([a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), b.mul(cos).add(a.mul(sin))], -1);
  };
  const loss = (p: Parameters, tokens: np.Array, targets: np.Array, { cos, sin, shares }: typeof constants) => {
    let x = np.take(p.embedding.ref, tokens, 0); // as fast as a product with oneHot, measured
    for (const layer of p.layers) {
      const attentionNormed = rmsNorm(x.ref, layer.attentionNorm);
      const q = rotate(np.matmul(attentionNormed.ref, layer.q).reshape([B, T, H, D]), cos.ref, sin.ref);
      const k = rotate(np.matmul(attentionNormed.ref, layer.k).reshape([B, T, K, D]), cos.ref, sin.ref);
      const v = np.matmul(attentionNormed, layer.v).reshape([B, T, K, D]);
      const attended = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B, T, H * D]);
      x = x.add(np.matmul(attended, layer.o));
      const mlpNormed = rmsNorm(x.ref, layer.mlpNorm);
      const mixed = nn.silu(np.matmul(mlpNormed.ref, layer.gate)).mul(np.matmul(mlpNormed, layer.up));
      x = x.add(np.matmul(mixed, layer.down));
    }
    cos.dispose();
    sin.dispose();
    const logits = np.matmul(rmsNorm(x, p.norm), np.matrixTranspose(p.embedding));
    const logProbabilities = nn.logSoftmax(logits, -1);
    return logProbabilities.mul(nn.oneHot(targets, V)).sum(-1).mul(shares).sum().neg();
  };
  const { beta1, beta2, learningRate, epsilon } = ADAM;
  const step = jit(
    (
      p: Parameters,
      first: Parameters,
      second: Parameters,
      tokens: np.Array,
      targets: np.Array,
      shared: typeof constants,
      scale1: np.Array,
      scale2: np.Array,
    ) => {
      const [value, gradient] = valueAndGrad(loss)(tree.ref(p), tokens, targets, shared) as [np.Array, Parameters];
      const m = tree.map((a: np.Array, g: np.Array) => a.mul(beta1).add(g.mul(1 - beta1)), first, tree.ref(gradient)) as Parameters;
      const v = tree.map((a: np.Array, g: np.Array) => a.mul(beta2).add(np.square(g).mul(1 - beta2)), second, gradient) as Parameters;
      const moved = tree.map(
        (w: np.Array, a: np.Array, b: np.Array) =>
          w.sub(
            a
              .mul(scale1.ref)
              .div(np.sqrt(b.mul(scale2.ref)).add(epsilon))
              .mul(learningRate),
          ),
        p,
        tree.ref(m),
        tree.ref(v),
      ) as Parameters;
      scale1.dispose();
      scale2.dispose();
      return { value, p: moved, m, v };
    },
  );

  const weights = plainWeights(size);
  const tensor = (name: string) => {
    const { data, shape } = weights.get(name)!;
    return np.array(data).reshape(shape);
  };
  let p: Parameters = {
    embedding: tensor("model.embed_tokens.weight"),
    layers: Array.from({ length: config.numLayers }, (_, l) => {
      const part = (name: string) => tensor(`model.layers.${l}.${name}.weight`);
      return {
        attentionNorm: part("input_layernorm"),
        q: part("self_attn.q_proj"),
        k: part("self_attn.k_proj"),
        v: part("self_attn.v_proj"),
        o: part("self_attn.o_proj"),
        mlpNorm: part("post_attention_layernorm"),
        gate: part("mlp.gate_proj"),
        up: part("mlp.up_proj"),
        down: part("mlp.down_proj"),
      };
    }),
    norm: tensor("model.norm.weight"),
  };
  const zeros = () => tree.map((a: np.Array) => np.zerosLike(a), tree.ref(p)) as Parameters;
  let m = zeros();
  let v = zeros();
  let steps = 0;
  return {
    parameters: [...weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    async step(tokens) {
      steps++;
      const ids = (values: Int32Array<ArrayBuffer>) => np.array(values, { dtype: np.int32 }).reshape([B, T]);
      const scales = [np.array(1 / (1 - beta1 ** steps)), np.array(1 / (1 - beta2 ** steps))];
      const next = step(p, m, v, ids(tokens), ids(targetsOf(size, tokens).targets), tree.ref(constants), scales[0], scales[1]);
      ({ p, m, v } = next as { p: Parameters; m: Parameters; v: Parameters });
      return (await (next.value as np.Array).data())[0];
    },
    async settle() {
      await blockUntilReady(p);
    },
  };
}
