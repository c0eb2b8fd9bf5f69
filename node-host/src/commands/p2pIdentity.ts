/** `starling show-static-p2p-identity` and `create-static-p2p-identity`: the keys by which a client is known, without its secrets. */
import { existsSync } from "node:fs";
import { getBase58Decoder } from "@solana/kit";
import type { OptionsOf, createStaticP2pIdentityOptions, showStaticP2pIdentityOptions } from "@starling/config";
import { peerIdText } from "@starling/network/peerIds";
import { Identity } from "@starling/sdk";
import { fromHex, toHex } from "@starling/sdk/bytes";
import { print } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { loadIdentity, readIdentity } from "../platform/identityFile.ts";

export async function showStaticP2pIdentity(options: OptionsOf<typeof showStaticP2pIdentityOptions>): Promise<number> {
  const [path] = options.path;
  const seed = options.rawIdentitySecretKey === undefined ? null : fromHex(options.rawIdentitySecretKey.trim(), 32);
  if (path === undefined && seed === null) throw new HostError("bad-option", "name an identity file, or set RAW_IDENTITY_SECRET_KEY");
  if (path === undefined) {
    show(new Identity({ ownerSeed: seed!, sessionSeed: seed!, peerSeed: seed!, chainsBegun: 0 }), null, options.json);
    return EXIT_CODES.ok;
  }
  show(readIdentity(path), path, options.json);
  return EXIT_CODES.ok;
}

export async function createStaticP2pIdentity(options: OptionsOf<typeof createStaticP2pIdentityOptions>): Promise<number> {
  const path = options.path[0]!;
  if (existsSync(path))
    throw new HostError("identity", `${path} exists already, and stays as it is: starling show-static-p2p-identity ${path} shows it`);
  const { identity, save, release } = loadIdentity(path);
  try {
    save();
  } finally {
    release();
  }
  show(identity, path, options.json);
  return EXIT_CODES.ok;
}

function show({ peer, session, owner }: Identity, path: string | null, json: boolean): void {
  const address = (key: Uint8Array): string => getBase58Decoder().decode(key);
  const shown = {
    path,
    peerId: peerIdText(peer.publicKey),
    peerKey: toHex(peer.publicKey),
    session: address(session.publicKey),
    owner: address(owner.publicKey),
  };
  print(json, shown, [
    `peer id   ${shown.peerId}`,
    `peer key  ${shown.peerKey}`,
    `session   ${shown.session}`,
    `owner     ${shown.owner}  (of a run over TCP; on the chain the wallet is the owner)`,
  ]);
}
