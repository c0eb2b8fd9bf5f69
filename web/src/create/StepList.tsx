/** The steps as links: where one is, what is done, what is wrong. Under 1024 px it folds to one line. */
import { BadIcon, classes, GoodIcon } from "../ui/index.ts";
import type { StepFacts, WizardStep } from "./steps.ts";

export interface StepListProps {
  steps: readonly StepFacts[];
  current: WizardStep;
  state(id: WizardStep): "good" | "open" | "wrong";
  go(id: WizardStep): void;
}

const WORDS = { good: "complete", open: "not complete", wrong: "has problems" } as const;

export function StepList(props: StepListProps) {
  const { steps, current } = props;
  const at = steps.findIndex(({ id }) => id === current);
  return (
    <nav aria-label="Steps" className="min-w-0 lg:sticky lg:top-20">
      <details className="rounded-lg border border-line bg-surface lg:hidden">
        <summary className="cursor-pointer rounded-lg px-3 py-2.5 text-sm font-medium">
          Step {at + 1} of {steps.length}: {steps[at]?.title}
        </summary>
        <div className="p-2 pt-0">
          <List {...props} />
        </div>
      </details>
      <div className="max-lg:hidden">
        <List {...props} />
      </div>
    </nav>
  );
}

function List({ steps, current, state, go }: StepListProps) {
  return (
    <ol className="space-y-0.5">
      {steps.map(({ id, title }, i) => {
        const isPlain = id === "review" || id === "send";
        const now = isPlain ? "open" : state(id);
        return (
          <li key={id}>
            <button
              aria-current={id === current ? "step" : undefined}
              className={classes(
                "flex min-h-10 w-full items-center gap-2.5 rounded-lg px-3 text-left text-sm font-medium pointer-coarse:min-h-11",
                id === current ? "bg-accent-soft text-accent" : "text-muted hover:bg-line/60 hover:text-text",
              )}
              onClick={() => go(id)}
              type="button"
            >
              <span aria-hidden="true" className="grid size-5 shrink-0 place-items-center text-xs tabular">
                {now === "good" ? (
                  <GoodIcon className="size-4.5 text-good" />
                ) : now === "wrong" ? (
                  <BadIcon className="size-4.5 text-bad" />
                ) : (
                  i + 1
                )}
              </span>
              <span className="min-w-0">{title}</span>
              {!isPlain && <span className="sr-only">{WORDS[now]}</span>}
            </button>
          </li>
        );
      })}
    </ol>
  );
}
