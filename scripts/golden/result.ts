export interface GoldenResult {
  name: string;
  ok: boolean;
  /** measured difference and tolerance */
  detail: string;
}
