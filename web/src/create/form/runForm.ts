/** The run form's shared state: react-hook-form holds what is typed, one reading of it says what is wrong. */
import { createContext, use } from "react";
import { useFormContext, type FieldValues, type UseFormReturn } from "react-hook-form";

export interface Problems {
  /** the rule that the input at this path breaks; null: none, or nothing was typed there and nobody asked yet */
  of(path: string): string | null;
  /** whether something below this path is wrong and shown */
  within(path: string): boolean;
}

export const ProblemsContext = createContext<Problems>({ of: () => null, within: () => false });

export const useProblems = (): Problems => use(ProblemsContext);

/** Paths are made from the schema at run time, so they are plain text here. */
export type RunForm = UseFormReturn<FieldValues>;

export const useRunForm = (): RunForm => useFormContext<FieldValues>();
