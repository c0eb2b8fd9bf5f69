/** The one place for the sentences of every failure. */

export interface Explanation {
  title: string;
  text: string;
  action?: "retry" | "check-again" | "connect" | "switch-network";
}

/** Never throws, whatever was thrown. */
export function explain(error: unknown): Explanation {
  const text = error instanceof Error && error.message !== "" ? error.message : String(error);
  return { title: "That did not work", text };
}
