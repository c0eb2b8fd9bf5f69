/** The wizard's steps. */
import type { StepName } from "./drafts/draftProblems.ts";

export type WizardStep = StepName | "review" | "send";

export interface StepFacts {
  id: WizardStep;
  title: string;
  about: string;
}

const STEPS: readonly (StepFacts & { chainOnly?: true })[] = [
  { id: "run", title: "The run", about: "What it is called, and where it runs." },
  { id: "model", title: "Model", about: "What is trained, and where its first weights come from." },
  { id: "data", title: "Data", about: "Where the training tokens come from." },
  { id: "optimizer", title: "Optimizer", about: "How fast it learns, and what clients send one another." },
  { id: "rounds", title: "Rounds and epochs", about: "How much a round trains, how long it may take, and how many clients it needs." },
  { id: "access", title: "Who may join", about: "Everyone, or the owners you name.", chainOnly: true },
  { id: "rewards", title: "Rewards", about: "What members earn, and what is lost by who cheats." },
  { id: "review", title: "Review", about: "All of it, before anything is sent." },
  { id: "send", title: "Send", about: "Each transaction, in plain words.", chainOnly: true },
];

export function stepsFor(hasChain: boolean): StepFacts[] {
  return STEPS.filter(({ chainOnly }) => hasChain || chainOnly !== true);
}
