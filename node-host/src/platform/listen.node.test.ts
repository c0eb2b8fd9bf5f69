import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "./listen.ts";

describe("listen", () => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const one of undo.splice(0)) await one();
  });
  const on = (host: string, port: number) => {
    const tcp = { port, option: "--server-port" };
    return listen({ seed: new Uint8Array(32), host, tcp, webSocket: { port: 0, option: "--server-ws-port" }, log: () => undefined });
  };

  it("listens for daemons and for tabs", async () => {
    const network = await on("127.0.0.1", 0);
    undo.push(() => network.stop());
    expect(
      network
        .multiaddrs()
        .map((address) => address.includes("/ws"))
        .sort(),
    ).toEqual([false, true]);
  });

  it("says in one line which option to change when the port is taken", async () => {
    const other: Server = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    undo.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    await expect(on("127.0.0.1", port)).rejects.toMatchObject({
      code: "port-in-use",
      message: `--server-port ${port} is in use by another program: choose another port, or 0 for any free one`,
    });
  });

  it.each(["localhost", "192.0.2.77"])("refuses to bind to %s", async (host) => {
    await expect(on(host, 0)).rejects.toMatchObject({ code: "bad-option", message: expect.stringContaining(`--bind-host ${host}`) });
  });
});
