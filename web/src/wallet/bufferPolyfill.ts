/** @solana/web3.js 1 and wallet-adapter take Buffer for granted. First import of the edge: imports run in order. */
import { Buffer } from "buffer";

(globalThis as { Buffer?: typeof Buffer }).Buffer ??= Buffer;
