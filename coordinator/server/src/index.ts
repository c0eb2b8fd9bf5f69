export { CoordinatorServer, type CoordinatorServerOptions } from "./server.ts";
export { ServerError, type ServerErrorCode } from "./errors.ts";
export type { ServerEvent } from "./events.ts";
export type { StateStore } from "./store.ts";
