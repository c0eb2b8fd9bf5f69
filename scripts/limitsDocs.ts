/** docs/limits.md, from the limits themselves. */
import { allLimits, firstCutOffMs, junkWeight, longestCutOffMs } from "@starling/network/limits";

const HEAD = `# Limits

<!-- Rendered from trainer-core/network/src/limits.ts by "npm run generate"; do not edit. -->

What one peer, one host or everyone together may take of a node. The defaults hold 32 clients of a testnet behind one address, each
connected to every other, that start, stall and reconnect at once.

How they work together:

- Before the handshake only an address is known, so hosts are limited; after it peers are. Nobody else pays for what a host does: members
  that are connected stay so, and a member of the flooding host itself stays reachable, because its neighbours dial it and what they dial is
  not counted. Only who cannot be dialled (a tab) and shares the flooder's address may have to wait for its turn.
- A neighbour's gossip is counted before it is parsed and before a signature is looked at. Junk (no signature, a wrong one, too large, a
  topic that nobody here reads) counts ${junkWeight} times. What an author says is counted again after its signature and before it is relayed, so that
  an honest neighbour never passes on more than it may.
- A relay carries the signalling of members, not of strangers; the tabs it brings together then talk directly. What comes over a relay or WebRTC
  passes the same allowlist and the same limits on streams, requests and gossip.
- What is over a limit is ignored and costs its sender a strike; strikes cost gossip score; who uses them up is hung up and refused for
  ${firstCutOffMs / 1000} s, twice as long each time, at most ${longestCutOffMs / 60_000} minutes.
- Whoever runs into a limit is told once and then every 5 s at most, as event \`limit\`: the culprit, and how often.
`;

function amount(value: number, unit: string): string {
  if (unit.startsWith("bytes") && value % 1024 === 0) {
    const [whole, name] = value % 2 ** 20 === 0 ? [value / 2 ** 20, "MiB"] : [value / 1024, "KiB"];
    return `${whole} ${name}${unit.slice("bytes".length)}`;
  }
  if (unit === "ms" && value % 1000 === 0) return `${value / 1000} s`;
  return `${value} ${unit}`;
}

export function limitsDocs(): string {
  const sections = Object.entries(allLimits).map(([topic, limits]) => {
    const isRate = Object.values(limits).some((limit) => "perSecond" in limit);
    const rows = Object.entries(limits).map(([name, limit]) => {
      if ("value" in limit) return `| \`${name}\` | ${amount(limit.value, limit.unit)} | ${limit.why} |`;
      const what = limit.unit.startsWith("bytes ") ? limit.unit.slice("bytes ".length) : limit.unit;
      const size = (value: number): string => (what === limit.unit ? String(value) : amount(value, "bytes"));
      return `| \`${name}\` | ${size(limit.burst)} | ${size(limit.perSecond)} | ${what} | ${limit.why} |`;
    });
    const head = isRate
      ? "| limit | at once | then a second | of what | why |\n|---|---|---|---|---|"
      : "| limit | size | why |\n|---|---|---|";
    return `\n## ${topic}\n\n${head}\n${rows.join("\n")}\n`;
  });
  return HEAD + sections.join("");
}
