/** In a server's folder: its key. Who holds the lock beside it (`server.key.lock`) is the server that runs there. */
export const SERVER_KEY_FILE = "server.key";
