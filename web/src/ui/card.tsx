import { useId, type ReactNode } from "react";
import { classes } from "./classes.ts";

export interface CardProps {
  title?: ReactNode;
  /** one line under the title */
  description?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
  className?: string;
  /** of the title's heading, default 2 */
  level?: 2 | 3;
}

/** A section with a name: its title is what a screen reader lists. */
export function Card({ title, description, actions, children, className, level = 2 }: CardProps) {
  const id = useId();
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section
      aria-labelledby={title === undefined ? undefined : id}
      className={classes("rounded-xl border border-line bg-surface shadow-card min-w-0", className)}
    >
      {(title !== undefined || actions !== undefined) && (
        <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 pt-4 sm:px-5">
          <div className="min-w-0">
            {title !== undefined && (
              <Heading className="text-base font-semibold" id={id}>
                {title}
              </Heading>
            )}
            {description !== undefined && <p className="text-sm text-muted">{description}</p>}
          </div>
          {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className="p-4 sm:p-5">{children}</div>
    </section>
  );
}

export interface StatProps {
  label: ReactNode;
  value: ReactNode;
  unit?: ReactNode;
  hint?: ReactNode;
}

/** a figure keeps together ("12.4 k"); a longer text must be able to break */
const NOWRAP_CHARS = 14;

/** One figure with its name. Several stand in a grid; give the group a heading. */
export function Stat({ label, value, unit, hint }: StatProps) {
  return (
    <div className="min-w-0">
      <div className="text-sm text-muted">{label}</div>
      <div className="mt-0.5 text-xl font-semibold tabular break-words">
        <span className={typeof value === "string" && value.length <= NOWRAP_CHARS ? "whitespace-nowrap" : undefined}>{value}</span>
        {unit !== undefined && <span className="ml-1 text-sm font-normal text-muted">{unit}</span>}
      </div>
      {hint !== undefined && <div className="mt-0.5 text-sm text-muted">{hint}</div>}
    </div>
  );
}

/** A figure that its name finds. */
export function Figure(props: StatProps & { label: string }) {
  return (
    <div aria-label={props.label} role="group">
      <Stat {...props} />
    </div>
  );
}

export interface EmptyStateProps {
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ title, children, action }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center gap-2 rounded-xl border border-dashed border-line-strong/60 px-6 py-12 text-center">
      <p className="text-base font-semibold">{title}</p>
      {children !== undefined && <div className="max-w-prose text-muted">{children}</div>}
      {action !== undefined && <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** Stands where something will be; the container that waits should be aria-busy. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={classes("animate-pulse rounded-lg bg-line/80", className ?? "h-4 w-full")} />;
}
