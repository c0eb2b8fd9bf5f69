/** `starling doctor`: looks at this machine and says what is wrong and how to mend it. */
import { checksFor } from "../doctor/checks.ts";
import { runCheck, type CheckResult, type DoctorOptions } from "../doctor/check.ts";
import { checkLines, summary, type Look } from "../doctor/report.ts";
import { EXIT_CODES } from "../errors.ts";

export async function doctor(options: DoctorOptions): Promise<number> {
  const { stdout } = process;
  const isTerminal = stdout.isTTY === true;
  const look: Look = { isTerminal, columns: Math.min(stdout.columns ?? 120, 120), colours: isTerminal && !process.env["NO_COLOR"] };
  const checks = checksFor(options);
  const titleWidth = Math.max(...checks.map((check) => check.title.length));
  const results: CheckResult[] = [];
  // one after the other: several load the machine or the driver, and would disturb each other
  for (const check of checks) {
    const result = await runCheck(check);
    results.push(result);
    if (!options.json) stdout.write(`${checkLines(result, titleWidth, look).join("\n")}\n`);
  }
  const failed = results.some((result) => result.status === "fail");
  if (options.json) stdout.write(`${JSON.stringify({ ok: !failed, summary: summary(results), checks: results })}\n`);
  else stdout.write(`\n${summary(results)}\n`);
  return failed ? EXIT_CODES.failed : EXIT_CODES.ok;
}
