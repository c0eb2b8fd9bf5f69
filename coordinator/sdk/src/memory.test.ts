import { coreCompliance } from "./complianceCore.ts";
import { equalBytes } from "./bytes.ts";
import { MemoryCoordinator } from "./memory.ts";

coreCompliance("memory", async (core, admin) => ({
  connect: async (identity) =>
    new MemoryCoordinator(core, {
      session: identity.session.publicKey,
      admin: equalBytes(identity.owner.publicKey, admin.owner.publicKey),
    }),
  stop: async () => {},
}));
