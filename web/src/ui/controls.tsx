/** Controls that are not a form's text: switch, slider, tabs, tooltip. */
import { Switch as RadixSwitch, Tabs as RadixTabs, Tooltip as RadixTooltip } from "radix-ui";
import { useEffect, useId, useRef, type ReactElement, type ReactNode } from "react";
import { classes } from "./classes.ts";

export interface SwitchProps {
  checked: boolean;
  onChange(checked: boolean): void;
  label: ReactNode;
  hint?: ReactNode;
  disabled?: boolean;
}

export function Switch({ checked, onChange, label, hint, disabled = false }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <div className="min-w-0">
        <label className={classes("font-medium", disabled && "text-muted")} htmlFor={id}>
          {label}
        </label>
        {hint !== undefined && (
          <p className="text-sm text-muted" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
      <RadixSwitch.Root
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        checked={checked}
        className={classes(
          "relative mt-px h-6 w-11 shrink-0 rounded-full border transition-colors disabled:opacity-55",
          "border-line-strong bg-line data-[state=checked]:border-accent data-[state=checked]:bg-accent",
        )}
        disabled={disabled}
        id={id}
        onCheckedChange={onChange}
      >
        <RadixSwitch.Thumb
          className={classes(
            "block size-4.5 translate-x-0.5 rounded-full bg-line-strong transition-transform",
            "data-[state=checked]:translate-x-[1.3rem] data-[state=checked]:bg-on-accent",
          )}
        />
      </RadixSwitch.Root>
    </div>
  );
}

export interface SliderProps {
  label: ReactNode;
  value: number;
  min: number;
  max: number;
  step?: number;
  onChange(value: number): void;
  /** the value in words, also for a screen reader: "60 %" */
  format?(value: number): string;
  hint?: ReactNode;
  disabled?: boolean;
}

/** The browser's own range input: its keyboard, its touch, its reading aloud. */
export function Slider({ label, value, min, max, step = 1, onChange, format = String, hint, disabled = false }: SliderProps) {
  const id = useId();
  return (
    <div>
      <div className="mb-1 flex justify-between gap-4 text-sm">
        <label className="font-medium" htmlFor={id}>
          {label}
        </label>
        <span className="tabular">{format(value)}</span>
      </div>
      <input
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        aria-valuetext={format(value)}
        className="block h-6 w-full accent-accent disabled:opacity-55"
        disabled={disabled}
        id={id}
        max={max}
        min={min}
        onChange={(event) => onChange(event.target.valueAsNumber)}
        step={step}
        type="range"
        value={value}
      />
      {hint !== undefined && (
        <p className="mt-1 text-sm text-muted" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface TabsProps<T extends string> {
  value: T;
  onChange(value: NoInfer<T>): void;
  /** names the group of tabs */
  label: string;
  tabs: readonly { value: T; label: ReactNode; content: ReactNode }[];
}

export function Tabs<T extends string>({ value, onChange, label, tabs }: TabsProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = list;
    if (current === null) return;
    // on a phone the tabs scroll sideways: the chosen one is in sight
    const centre = (): void => {
      const chosen = current.querySelector("[data-state=active]")?.getBoundingClientRect();
      const shown = current.getBoundingClientRect();
      if (chosen !== undefined) current.scrollLeft += chosen.left + chosen.width / 2 - shown.left - shown.width / 2;
    };
    const resizes = new ResizeObserver(centre);
    resizes.observe(current);
    return () => resizes.disconnect();
  }, [value]);
  return (
    <RadixTabs.Root onValueChange={(next) => onChange(next as T)} value={value}>
      <RadixTabs.List aria-label={label} className="flex gap-1 overflow-x-auto border-b border-line p-0.5 pb-0" ref={list}>
        {tabs.map((tab) => (
          <RadixTabs.Trigger
            className={classes(
              "-mb-px min-h-10 border-b-2 border-transparent px-3 text-sm font-medium whitespace-nowrap text-muted hover:text-text pointer-coarse:min-h-11",
              "rounded-t-md data-[state=active]:border-accent data-[state=active]:text-text focus-visible:-outline-offset-2",
            )}
            key={tab.value}
            value={tab.value}
          >
            {tab.label}
          </RadixTabs.Trigger>
        ))}
      </RadixTabs.List>
      {tabs.map((tab) => (
        <RadixTabs.Content className="pt-4" key={tab.value} value={tab.value}>
          {tab.content}
        </RadixTabs.Content>
      ))}
    </RadixTabs.Root>
  );
}

export interface TooltipProps {
  content: ReactNode;
  /** one element that takes focus: a tooltip that only a mouse finds does not exist for others */
  children: ReactElement;
}

export function Tooltip({ content, children }: TooltipProps) {
  return (
    <RadixTooltip.Provider delayDuration={300}>
      <RadixTooltip.Root>
        <RadixTooltip.Trigger asChild>{children}</RadixTooltip.Trigger>
        <RadixTooltip.Portal>
          <RadixTooltip.Content
            className="z-50 max-w-xs rounded-md bg-text px-2.5 py-1.5 text-sm break-words text-bg shadow-raised"
            collisionPadding={8}
            sideOffset={6}
          >
            {content}
          </RadixTooltip.Content>
        </RadixTooltip.Portal>
      </RadixTooltip.Root>
    </RadixTooltip.Provider>
  );
}
