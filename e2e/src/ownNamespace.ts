/** A network namespace with one address that is not loopback: ICE offers none of lo's, so two tabs on one machine meet only there. */
import { spawnSync } from "node:child_process";

const SETUP = [
  "ip link set lo up",
  "ip link add d0 type veth peer name d1",
  "ip addr add 10.77.0.1/24 dev d0",
  "ip link set d0 up",
  "ip link set d1 up",
  // somewhere to send to makes the address a candidate; nothing can leave
  "ip route add default via 10.77.0.2 dev d0",
].join(" && ");

/** The command that runs `command` in a namespace of its own, which goes when it ends. */
export function inNamespace(command: readonly string[]): string[] {
  return ["unshare", "-n", "sh", "-c", `${SETUP} && exec "$@"`, "sh", ...command];
}

/** Null when it can be had here, else why not. */
export function whyNoNamespace(): string | null {
  if (process.platform !== "linux") return "network namespaces need Linux";
  const [command, ...args] = inNamespace(["true"]);
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) return `${command} could not be started: ${error.message}`;
  return status === 0 ? null : `a network namespace is refused: ${stderr.trim().split("\n").at(-1)}`;
}
