/** The coordinator: reached over TCP, speaks our protocol, and its run can be joined with this version. */
import { fail, ok, skip, warn, type Check } from "../check.ts";
import { ContactError, type Contact } from "../contact.ts";

export function coordinator(contact: (signal: AbortSignal) => Promise<Contact | null>): Check {
  return {
    id: "coordinator",
    title: "Coordinator",
    timeoutMs: 30_000,
    run: async (signal) => {
      let found: Contact | null;
      try {
        found = await contact(signal);
      } catch (error) {
        if (error instanceof ContactError) return fail(error.message, remedyOf(error));
        throw error;
      }
      if (!found) return skip("no --server-addr was given");
      if (found.configError !== null) {
        return fail(
          `run ${found.runId}: its config is not one of this version: ${found.configError}`,
          "Use the version of Starling that the run's coordinator uses.",
        );
      }
      const reached = `run ${found.runId}${found.tcpMs === null ? "" : `, ${Math.round(found.tcpMs)} ms away`}`;
      if (!found.state) {
        return warn(
          `${reached}, but it sent no state${found.refusal === null ? "" : `: ${found.refusal}`}`,
          found.clockOffsetMs !== null
            ? "Set this machine's clock, or the coordinator's."
            : "Try again in a minute; if it stays so, ask who runs the coordinator.",
        );
      }
      const { runState, epoch, step, members } = found.state;
      return ok(`${reached}: ${runState}, epoch ${epoch}, step ${step}, ${members} members`);
    },
  };
}

function remedyOf({ stage, systemCode }: ContactError): string {
  if (stage === "libp2p")
    return "Something listens there, but no coordinator of this version: check the port, and that both sides run the same version of Starling.";
  switch (systemCode) {
    case "ECONNREFUSED":
      return "Start the coordinator (starling server) there, or correct the port in --server-addr.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "Correct the host's name in --server-addr, or this machine's DNS.";
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "Open the port in the firewalls between, and start the coordinator with --bind-host 0.0.0.0 if it is another machine.";
    default:
      return "Check --server-addr and this machine's network.";
  }
}
