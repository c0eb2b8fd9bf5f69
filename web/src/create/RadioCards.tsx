/** One of a few, each with a sentence: the browser's own radio buttons, so arrows and screen readers work as they should. */
import { useId, type ReactNode } from "react";
import { classes } from "../ui/index.ts";

export interface RadioCardsProps<T extends string> {
  legend: string;
  value: T;
  onChange(value: T): void;
  options: readonly { value: T; label: string; about: ReactNode; disabled?: boolean }[];
}

export function RadioCards<T extends string>({ legend, value, onChange, options }: RadioCardsProps<T>) {
  const id = useId();
  return (
    <fieldset>
      <legend className="mb-2 text-sm font-medium">{legend}</legend>
      <div className="grid gap-3 sm:grid-cols-2">
        {options.map((option) => (
          <label
            className={classes(
              "flex cursor-pointer gap-3 rounded-lg border p-3 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
              option.value === value ? "border-accent bg-accent-soft/50" : "border-line hover:border-line-strong",
              option.disabled === true && "cursor-default opacity-60",
            )}
            htmlFor={`${id}-${option.value}`}
            key={option.value}
          >
            <input
              aria-describedby={`${id}-${option.value}-about`}
              checked={option.value === value}
              className="mt-1 size-4 shrink-0 accent-accent"
              disabled={option.disabled}
              id={`${id}-${option.value}`}
              name={id}
              onChange={() => onChange(option.value)}
              type="radio"
              value={option.value}
            />
            <span className="min-w-0">
              <span className="block font-medium">{option.label}</span>
              <span className="block text-sm text-muted" id={`${id}-${option.value}-about`}>
                {option.about}
              </span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
