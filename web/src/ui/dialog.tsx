/** The browser's own modal dialog: focus trap, Escape, return of focus and inertness of the rest come with it, and no style element does. */
import { useEffect, useId, useRef, type ReactNode } from "react";
import { CloseIcon } from "./icons.tsx";

export interface DialogProps {
  open: boolean;
  onClose(): void;
  title: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}

export function Dialog({ open, onClose, title, children, footer }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  // text that is selected up to the backdrop is no press on it
  const isPressedOutside = useRef(false);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  useEffect(() => {
    if (!open) return;
    // the page behind must not scroll under a phone's finger
    const before = document.documentElement.style.overflow;
    document.documentElement.style.overflow = "hidden";
    return () => {
      document.documentElement.style.overflow = before;
    };
  }, [open]);
  return (
    <dialog
      aria-labelledby={id}
      className="m-auto max-h-[calc(100dvh-2rem)] w-[min(34rem,calc(100vw-2rem))] flex-col rounded-2xl border border-line bg-surface p-0 text-text shadow-raised open:flex"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === element.current && isPressedOutside.current && onClose()}
      onClose={() => open && onClose()}
      onPointerDown={(event) => {
        isPressedOutside.current = event.target === element.current;
      }}
      ref={element}
    >
      {open && (
        <>
          <header className="flex items-center justify-between gap-4 border-b border-line px-5 py-3.5">
            <h2 className="text-lg font-semibold" id={id}>
              {title}
            </h2>
            <button
              aria-label="Close"
              className="-mr-2 grid size-9 shrink-0 place-items-center rounded-lg text-muted hover:bg-sunken hover:text-text pointer-coarse:size-11"
              onClick={onClose}
              type="button"
            >
              <CloseIcon />
            </button>
          </header>
          <div className="min-h-0 grow overflow-y-auto px-5 py-4">{children}</div>
          {footer !== undefined && <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3.5">{footer}</footer>}
        </>
      )}
    </dialog>
  );
}
