/** ed25519 through Node's synchronous crypto: 20 times faster than JavaScript, and as deterministic. For simulations. */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { Identity, type IdentitySecrets } from "@starling/sdk/identity";
import type { Signer } from "@starling/network/keys";

/** Links for some epochs: a long run begins new chains on the way. */
const chainLength = 512;

const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");

const members = new Map<number, { identity: Identity; signer: Signer }>();

function secretsOf(number: number): Omit<IdentitySecrets, "chainsBegun"> {
  const seed = (role: number): Uint8Array =>
    new Uint8Array(32)
      .fill(1 + (number & 0xff))
      .fill(role, 0, 1)
      .fill(number >> 8, 1, 2);
  return { ownerSeed: seed(1), sessionSeed: seed(2), peerSeed: seed(3) };
}

/** The keys of a member: the same in every simulation, because making them is slow. Its chain is for nobody's use. */
export function member(number: number): { identity: Identity; signer: Signer } {
  const known = members.get(number);
  if (known !== undefined) return known;
  const secrets = { ...secretsOf(number), chainsBegun: 0 };
  const identity = new Identity(secrets, { chainLength: 1 });
  const key = createPrivateKey({ key: Buffer.concat([privatePrefix, secrets.peerSeed]), format: "der", type: "pkcs8" });
  const signer: Signer = {
    publicKey: identity.peer.publicKey,
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  };
  const made = { identity, signer };
  members.set(number, made);
  return made;
}

export function signerOf(number: number): Signer {
  return member(number).signer;
}

/** A member as one of its processes has it from its key file: each begins a chain of its own. */
export function identityOf(number: number, incarnation: number): Identity {
  return new Identity({ ...secretsOf(number), chainsBegun: incarnation }, { chainLength });
}

const verified = new Map<string, boolean>();

/** Remembers answers: in a simulation everybody verifies the same signatures. */
export function verifyOnce(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const name = Buffer.concat([publicKey, bytes, signature]).toString("base64");
  let answer = verified.get(name);
  if (answer === undefined) {
    const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: "der", type: "spki" });
    answer = verify(null, bytes, key, signature);
    if (verified.size > 100_000) verified.clear();
    verified.set(name, answer);
  }
  return answer;
}
