/** How an action that takes several transactions tells how far it is. */

export interface Progress {
  /** counted from 1 */
  step: number;
  /** null: not known yet */
  of: number | null;
  /** what is done now, as a person reads it */
  text: string;
}

export type Tell = (progress: Progress) => void;
