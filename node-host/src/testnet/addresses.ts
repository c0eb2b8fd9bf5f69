/** What a person or an option wants of a multiaddr. */

/** The port of a multiaddr; 0 where it has none. */
export function portOf(multiaddr: string): number {
  return Number(/\/tcp\/(\d+)/.exec(multiaddr)?.[1] ?? 0);
}

/** `127.0.0.1:20000` of `/ip4/127.0.0.1/tcp/20000/p2p/...`. */
export function hostPort(multiaddr: string): string {
  const [, version, host, , port] = multiaddr.split("/");
  return version === "ip6" ? `[${host}]:${port}` : `${host}:${port}`;
}
