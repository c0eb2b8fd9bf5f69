/** Figures with their names, as a description list: each value is found by its name. */
import { useId, type ReactNode } from "react";

export interface Figure {
  label: string;
  value: ReactNode;
  hint?: ReactNode;
}

export function Figures({ figures }: { figures: readonly Figure[] }) {
  const id = useId();
  return (
    <dl className="grid grid-cols-[repeat(auto-fit,minmax(9.5rem,1fr))] gap-x-6 gap-y-4">
      {figures.map(({ label, value, hint }, i) => (
        <div className="min-w-0" key={label}>
          <dt className="text-sm text-muted" id={`${id}${i}`}>
            {label}
          </dt>
          <dd aria-labelledby={`${id}${i}`} className="mt-0.5 text-lg font-semibold tabular break-words">
            {value}
          </dd>
          {hint !== undefined && <dd className="mt-0.5 text-sm text-muted">{hint}</dd>}
        </div>
      ))}
    </dl>
  );
}
