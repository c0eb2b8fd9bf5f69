/** Moves the focus to the input of this name, out of its fold if it is in one. */
export function focusInput(name: string): void {
  const input = document.querySelector<HTMLElement>(`[name="${CSS.escape(name)}"]`);
  const fold = input?.closest("details");
  if (fold) fold.open = true;
  input?.focus();
  input?.scrollIntoView({ block: "center" });
}
