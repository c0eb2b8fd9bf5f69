/** Holds every import against scripts/rooms.ts. Prints each breach as file:line and returns how many there were. */
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { INNER_WALLS, ROOMS, type Room } from "./rooms.ts";

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)\s*import\s+"([^"]+)"/g;

/** The innermost room: trainer-core/network lies inside trainer-core. */
function roomOf(file: string): Room | undefined {
  return ROOMS.filter((r) => file.startsWith(`${r.folder}/`)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Their objects stay at the wallet's edge; everything else speaks kit. */
const WALLET_EDGE = "web/src/wallet/edge.ts";
const EDGE_ONLY = /^@solana\/(web3\.js|wallet-adapter-)/;

function breach(file: string, specifier: string, room: Room): string | null {
  const isTest = /\.test\.ts$|(^|\/)test\//.test(file);
  if (specifier.startsWith("node:")) {
    const mayUseNode = !room.platformFree || /\.node(\.test)?\.ts$/.test(file) || isTest;
    return mayUseNode ? null : `${specifier} in a room that also runs in a browser: put it in a *.node.ts file`;
  }
  if (EDGE_ONLY.test(specifier) && file !== WALLET_EDGE) return `${specifier}: only ${WALLET_EDGE} may import it`;
  const own = /^@starling\/([^/]+)/.exec(specifier)?.[1];
  if (own !== undefined) {
    if (own === room.name || room.mayImport.includes(own)) return null;
    return `${room.name} may not import ${own} (allowed: ${room.mayImport.join(", ") || "nothing of ours"})`;
  }
  if (!specifier.startsWith(".")) return null;
  const target = normalize(join(dirname(file), specifier));
  const targetRoom = roomOf(target);
  if (targetRoom && targetRoom.name !== room.name)
    return `relative import into ${targetRoom.name}: go through @starling/${targetRoom.name}`;
  if (room.name === "trainer-core" && !isTest) {
    const part = (path: string) => /^trainer-core\/src\/([^/]+)\//.exec(path)?.[1];
    const wall = INNER_WALLS.find((w) => w.from === part(file));
    const to = part(target);
    if (wall && to && wall.never.includes(to)) return `trainer-core/${wall.from} may not import trainer-core/${to}`;
  }
  return null;
}

export async function checkImports(): Promise<number> {
  let breaches = 0;
  for await (const file of glob("{config,shaders,trainer-core,coordinator,node-host,web,e2e}/**/*.{ts,tsx}")) {
    if (/node_modules|\/generated\/|\/dist\/|\/target\//.test(file)) continue;
    const room = roomOf(file);
    if (!room || /vite\.config|vitest\.config/.test(file)) continue;
    const text = readFileSync(file, "utf8");
    for (const match of text.matchAll(IMPORT)) {
      const why = breach(file, (match[1] ?? match[2] ?? match[3])!, room);
      if (why === null) continue;
      breaches++;
      const line = text.slice(0, match.index + match[0].length).split("\n").length;
      process.stderr.write(`${file}:${line} ${why}\n`);
    }
  }
  return breaches;
}
