export * from "./errors.ts";
export * from "./port.ts";
export * from "./clock.ts";
export * from "./random.ts";
export * from "./memoryHub.ts";
export { MemoryNetwork } from "./memory.ts";
