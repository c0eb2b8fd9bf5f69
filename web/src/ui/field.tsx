/** A labelled control: label, unit, hint and error are tied to it, so that all of them are read out with it. */
import { createContext, use, useId, type ComponentProps, type ReactNode } from "react";
import { classes } from "./classes.ts";
import { BadIcon, ChevronDownIcon } from "./icons.tsx";

interface Tied {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}

const FieldContext = createContext<Tied | null>(null);

export interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** stands behind the label: "s", "tokens", "SOL" */
  unit?: ReactNode;
  error?: ReactNode;
  /** a control of this kit ties itself; anything else takes id and describedBy */
  children: ReactNode | ((id: string, describedBy: string | undefined) => ReactNode);
  className?: string;
}

export function Field({ label, hint, unit, error, children, className }: FieldProps) {
  const id = useId();
  const failed = error !== undefined && error !== null && error !== false && error !== "";
  const hinted = hint !== undefined && hint !== null && hint !== false;
  const describedBy = [hinted && `${id}-hint`, failed && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div className={classes("min-w-0", className)}>
      <label className="mb-1 flex items-baseline justify-between gap-2 text-sm font-medium" htmlFor={id}>
        <span>{label}</span>
        {unit !== undefined && unit !== null && <span className="font-normal text-muted">{unit}</span>}
      </label>
      <FieldContext value={{ id, describedBy, invalid: failed }}>
        {typeof children === "function" ? children(id, describedBy) : children}
      </FieldContext>
      {hinted && (
        <p className="mt-1 text-sm text-muted" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {/* the region is there before the error is, or the error would not be read out */}
      <div aria-live="polite">
        {failed && (
          <p className="mt-1 flex gap-1.5 text-sm text-bad" id={`${id}-error`}>
            <BadIcon className="mt-0.5 size-4" />
            <span className="min-w-0 break-words">{error}</span>
          </p>
        )}
      </div>
    </div>
  );
}

const CONTROL =
  "block w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 text-[0.9375rem] text-text placeholder:text-muted pointer-coarse:text-base " +
  "hover:border-text/60 focus-visible:outline-offset-0 disabled:bg-sunken disabled:text-muted disabled:border-line " +
  "aria-invalid:border-bad aria-invalid:focus-visible:outline-bad";

/** id, aria-describedby and aria-invalid of the field around, where the caller gave none. */
function useTied(given: { id?: string; "aria-describedby"?: string; "aria-invalid"?: ComponentProps<"input">["aria-invalid"] }) {
  const field = use(FieldContext);
  return {
    id: given.id ?? field?.id,
    "aria-describedby": given["aria-describedby"] ?? field?.describedBy,
    "aria-invalid": given["aria-invalid"] ?? (field?.invalid || undefined),
  };
}

export type TextInputProps = ComponentProps<"input">;

export function TextInput({ className, ...rest }: TextInputProps) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      type="text"
      {...rest}
      {...useTied(rest)}
      className={classes(CONTROL, "h-10 read-only:bg-sunken pointer-coarse:h-11", className)}
    />
  );
}

/** A text with the keyboard of numbers: type=number changes by the wheel and hides what cannot be parsed. The caller parses. */
export function NumberInput({ className, ...rest }: TextInputProps) {
  return <TextInput inputMode="decimal" {...rest} className={classes("tabular", className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={4}
      spellCheck={false}
      {...rest}
      {...useTied(rest)}
      className={classes(CONTROL, "py-2 read-only:bg-sunken", className)}
    />
  );
}

export interface SelectOption {
  value: string;
  label: string;
  disabled?: boolean;
}

export interface SelectProps extends ComponentProps<"select"> {
  options: readonly SelectOption[];
}

export function Select({ className, options, ...rest }: SelectProps) {
  return (
    <div className={classes("relative min-w-0", className)}>
      <select {...rest} {...useTied(rest)} className={classes(CONTROL, "h-10 appearance-none truncate pr-9 pointer-coarse:h-11")}>
        {options.map((option) => (
          <option disabled={option.disabled} key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDownIcon className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-muted" />
    </div>
  );
}

export interface CheckboxProps extends ComponentProps<"input"> {
  label: ReactNode;
  hint?: ReactNode;
}

export function Checkbox({ label, hint, className, ...rest }: CheckboxProps) {
  const id = useId();
  return (
    <div className={classes("flex gap-2.5", className)}>
      <input
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        id={id}
        {...rest}
        className="mt-0.5 size-4.5 shrink-0 accent-accent"
        type="checkbox"
      />
      <div className="min-w-0">
        <label className="font-medium" htmlFor={rest.id ?? id}>
          {label}
        </label>
        {hint !== undefined && (
          <p className="text-sm text-muted" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
