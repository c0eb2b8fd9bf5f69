/** Instructions of the program `authorizer` as calls, whose accounts and bytes a test can change one by one. */
import type { Address } from "@solana/kit";
import { grantAddress, JOIN_SCOPE } from "@starling/programs/accounts";
import { type Chain, SYSTEM_PROGRAM } from "@starling/programs/harness";
import { type Call, key, namedAccounts, text, u8 } from "@starling/programs/wire";

export const AUTHORIZER_INSTRUCTIONS = ["create", "set_active", "set_delegates", "close"] as const;

/** One grant, wherever it stands. */
export class GrantCalls {
  readonly chain: Chain;
  readonly grantor: Address;
  readonly grantee: Address;
  readonly scope: string;
  readonly grant: Address;
  readonly payer: Address;

  constructor(chain: Chain, grantor: Address, grantee: Address, scope = JOIN_SCOPE) {
    this.chain = chain;
    this.grantor = grantor;
    this.grantee = grantee;
    this.scope = scope;
    this.payer = chain.funded("payer of grants").address;
    this.grant = grantAddress(chain.programs.authorizer, grantor, grantee, scope);
  }

  create(): Call {
    return this.#call("create", "payer(s,w) grantor(s) grant(w) system", u8(0), key(this.grantee), text(this.scope));
  }

  setActive(active: number): Call {
    return this.#call("set_active", "grantor(s) grant(w)", u8(1), u8(active));
  }

  setDelegates(clear: number, keys: readonly Address[]): Call {
    return this.#call("set_delegates", "payer(s,w) grantee(s) grant(w) system", u8(2), u8(clear), ...keys.map(key));
  }

  close(spill: Address): Call {
    return this.#call("close", "grantor(s) grant(w) spill(w)", u8(3), { spill });
  }

  #call(name: string, signature: string, ...parts: readonly (Uint8Array | Readonly<Record<string, Address>>)[]): Call {
    const more = parts.filter((part) => !(part instanceof Uint8Array)) as Readonly<Record<string, Address>>[];
    const { payer, grantor, grantee, grant } = this;
    const addresses = { payer, grantor, grantee, grant, system: SYSTEM_PROGRAM, ...more[0] };
    return {
      name,
      program: this.chain.programs.authorizer,
      accounts: namedAccounts(signature, addresses),
      data: Buffer.concat(parts.filter((part) => part instanceof Uint8Array)),
    };
  }
}
