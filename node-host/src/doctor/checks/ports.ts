/** Ports that are to be listened on: each is listened on for a moment. */
import { isIP } from "node:net";
import { whyNot } from "../../platform/listen.ts";
import { fail, ok, type Check } from "../check.ts";

export interface WantedPort {
  option: string;
  host: string;
  /** 0 = any free port */
  port: number;
}

export function ports(wanted: readonly WantedPort[]): Check {
  return {
    id: "ports",
    title: "Ports",
    run: async () => {
      const problems: { found: string; remedy: string }[] = [];
      const free: string[] = [];
      for (const { option, host, port } of wanted) {
        if (isIP(host) === 0) {
          problems.push({ found: `${host} is no IP address`, remedy: `Give an address of this machine, or 0.0.0.0 for every interface.` });
          continue;
        }
        const reason = await whyNot(host, port);
        if (reason === null) free.push(port === 0 ? `any port on ${host}` : `${host}:${port}`);
        else problems.push(problem(option, host, port, reason));
      }
      if (problems.length === 0) return ok(`free: ${[...new Set(free)].join(", ")}`);
      return fail(problems.map((p) => p.found).join("; "), [...new Set(problems.map((p) => p.remedy))].join(" "));
    },
  };
}

function problem(option: string, host: string, port: number, reason: string): { found: string; remedy: string } {
  switch (reason) {
    case "EADDRINUSE":
      return {
        found: `${option} ${port} is in use by another program`,
        remedy: `End that program (ss -ltnp names it), or choose another port for ${option}.`,
      };
    case "EACCES":
      return { found: `${option} ${port}: this user may not listen there`, remedy: `Choose a port above 1023 for ${option}.` };
    case "EADDRNOTAVAIL":
      return { found: `${host} is no address of this machine`, remedy: `Give one that "ip addr" lists, or 0.0.0.0 for every interface.` };
    default:
      return {
        found: `nothing can listen on ${host} port ${port} (${reason})`,
        remedy: `Choose another port for ${option}, or look at this machine's network.`,
      };
  }
}
