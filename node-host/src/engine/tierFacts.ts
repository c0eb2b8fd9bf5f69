/** What a client tells of a MatFormer tier above 0. Light: displays import it. */
import { tierWidth, type MatformerPart } from "@starling/trainer-core/model/matformer";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";

export interface TierFacts {
  tier: number;
  sliced: boolean;
  neurons: number;
  ofNeurons: number;
}

export function tierFacts({ llama }: RunPlan, { tier, sliced }: MatformerPart): TierFacts | null {
  if (tier === 0) return null;
  return { tier, sliced, neurons: tierWidth(llama.intermediateSize, tier), ofNeurons: llama.intermediateSize };
}

export function tierSentence({ tier, sliced, neurons, ofNeurons }: TierFacts): string {
  const trains = `MatFormer tier ${tier}: trains ${neurons} of ${ofNeurons} neurons a layer`;
  return sliced
    ? `${trains} and holds no others: no vote on the parameters' hash, no model for others, no checkpoints`
    : `${trains}, holds all`;
}
