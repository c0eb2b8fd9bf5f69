/** What is wrong, with a link to each input. It takes the focus when somebody tries to go on in spite of it. */
import { BadIcon } from "../ui/index.ts";
import type { DraftProblem } from "./drafts/draftProblems.ts";
import type { WizardStep } from "./steps.ts";

export function ProblemSummary({ problems, go }: { problems: readonly DraftProblem[]; go(step: WizardStep, field?: string): void }) {
  return (
    <div aria-label="What is not right yet" id="problems" role="group" tabIndex={-1}>
      {problems.length > 0 && (
        <div className="flex gap-3 rounded-lg border border-bad/35 bg-bad-soft p-3 sm:px-4">
          <BadIcon className="mt-px text-bad" />
          <div className="min-w-0">
            <p className="font-medium">
              {problems.length === 1 ? "One thing is not right yet" : `${problems.length} things are not right yet`}
            </p>
            <ul className="mt-1 space-y-1 text-sm wrap-anywhere">
              {problems.map((problem) => (
                <li key={`${problem.path} ${problem.message}`}>
                  {problem.path === null ? (
                    problem.message
                  ) : (
                    <button
                      className="text-left underline underline-offset-2"
                      onClick={() => go(problem.step, problem.path!)}
                      type="button"
                    >
                      {problem.message}
                    </button>
                  )}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
    </div>
  );
}
