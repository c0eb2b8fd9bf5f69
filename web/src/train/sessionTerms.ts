/** What a session is opened with unless its person says otherwise; those of the daemon (`--session-days`, `--session-float`). */
import { trainOptions } from "@starling/config";

export const DEFAULT_DAYS = trainOptions.specs.sessionDays.default;
export const DEFAULT_FLOAT_SOL = trainOptions.specs.sessionFloat.default;
export const MOST_DAYS = trainOptions.specs.sessionDays.max;
