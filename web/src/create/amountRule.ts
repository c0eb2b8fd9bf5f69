import { parseAmount } from "@starling/sdk/actions/amounts";

/** The rule that an amount breaks; null: none. An empty text breaks one. */
export function amountRule(text: string, decimals: number): string | null {
  try {
    parseAmount(text, decimals, "");
    return null;
  } catch (error) {
    // the message begins with what was typed, which stands in the input already
    return (error as Error).message.replace(/^.*?: (?=must|it |is )/s, "");
  }
}
