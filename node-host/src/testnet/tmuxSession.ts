/** `--tmux`: a session with one window for each process of the testnet, which shows what that process writes. It steers nothing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";

const run = promisify(execFile);
const WATCH = fileURLToPath(new URL("../tui/watch.ts", import.meta.url));
/** so many sessions of one run's name at a time */
const MOST_SESSIONS = 20;

export interface Watched {
  /** name of the process and of its window */
  name: string;
  /** where it writes its events */
  logFile: string;
}

export class TmuxSession {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Errors: an Error with a sentence, where tmux is missing or does not do it. */
  static async open(runId: string, watched: readonly Watched[]): Promise<TmuxSession> {
    const wanted = `starling-${runId.replaceAll(/[^A-Za-z0-9_-]/g, "-")}`;
    const taken = await sessions();
    const name = [wanted, ...Array.from({ length: MOST_SESSIONS }, (_, i) => `${wanted}-${i + 2}`)].find((n) => !taken.has(n));
    if (name === undefined)
      throw new Error(`--tmux: there are ${MOST_SESSIONS} sessions called ${wanted} already: end some by tmux kill-session`);
    const session = new TmuxSession(name);
    try {
      for (const [i, { name: window, logFile }] of watched.entries()) {
        const command = [process.execPath, "--disable-warning=ExperimentalWarning", WATCH, window, logFile].map(quoted).join(" ");
        if (i === 0) await tmux("new-session", "-d", "-s", name, "-n", window, "-x", "120", "-y", "40", command);
        else await tmux("new-window", "-d", "-t", `=${name}:`, "-n", window, command);
      }
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  /** What to type to see it. Inside tmux a session is switched to, not attached. */
  get attach(): string {
    return process.env["TMUX"] ? `tmux switch-client -t ${this.name}` : `tmux attach -t ${this.name}`;
  }

  async close(): Promise<void> {
    await tmux("kill-session", "-t", `=${this.name}`).catch(() => undefined); // gone already
  }
}

async function sessions(): Promise<ReadonlySet<string>> {
  // no server runs yet: no sessions
  const { stdout } = await tmux("list-sessions", "-F", "#{session_name}").catch((error: Error) => {
    if (/not found|no tmux here/.test(error.message)) throw error;
    return { stdout: "" };
  });
  return new Set(stdout.split("\n").filter((name) => name !== ""));
}

async function tmux(...args: string[]): Promise<{ stdout: string }> {
  try {
    return await run("tmux", args);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException & { stderr?: string };
    if (error.code === "ENOENT") {
      throw new Error("--tmux: there is no tmux here: install it (apt-get install tmux), or leave --tmux out and look at the views", {
        cause,
      });
    }
    throw new Error(`--tmux: tmux ${args[0]} failed: ${(error.stderr ?? error.message).trim()}`, { cause });
  }
}

/** For the shell that tmux starts a window's command with. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
