/** Options of `client`. */
import { defineOptions } from "../defineOptions.ts";
import { serverAddr } from "./shared.ts";
import { bindHost, training } from "./training.ts";

export const clientOptions = defineOptions({
  serverAddr: { ...serverAddr, default: "127.0.0.1:20000", doc: "The coordinator: HOST:PORT, or a multiaddr." },
  identitySecretKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "File with the client's keys, made when there is none; 32 bytes, raw or as hex, are read too. Left out = new keys, kept nowhere.",
  },
  ...training,
  bindHost: { ...bindHost, default: "127.0.0.1" },
});
