/** Answers HTTP requests with files: one byte range, HEAD, revalidation. What is no file below its root does not exist. */
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
};

/** A byte range of a file of `size` bytes, both ends included; null = all of it. "unsatisfiable": there is no such byte. */
export function rangeOf(header: string | undefined, size: number): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  // several ranges at once, and what is none: RFC 9110 lets a server answer with everything
  if (match === null || (match[1] === "" && match[2] === "")) return null;
  const [first, last] = [match[1], match[2]];
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return null;
  return start < size ? { start, end } : "unsatisfiable";
}

/**
 * The segments of a request's path, decoded; null for one that could lead out of its root or to a hidden file:
 * `..`, a dot in front, a separator or NUL in a segment, broken escapes.
 */
export function segmentsOf(url: string): string[] | null {
  const path = url.split(/[?#]/, 1)[0];
  if (!path.startsWith("/")) return null;
  try {
    const segments = path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
    // oxlint-disable-next-line no-control-regex
    return segments.some((part) => part.startsWith(".") || /[/\\\u0000]/.test(part)) ? null : segments;
  } catch {
    return null;
  }
}

/** Sends the file, or nothing: resolves to whether there is one. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  segments: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<boolean> {
  const path = join(root, ...segments);
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch {
    return false;
  }
  let isStreaming = false;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return false;
    const { size } = stat;
    const etag = `"${size.toString(36)}-${stat.mtimeMs.toString(36)}"`;
    const common = { ...headers, etag, "accept-ranges": "bytes" };
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, common).end();
      return true;
    }
    const range =
      request.headers["if-range"] === undefined || request.headers["if-range"] === etag ? rangeOf(request.headers.range, size) : null;
    if (range === "unsatisfiable") {
      response.writeHead(416, { ...common, "content-range": `bytes */${size}`, "content-length": 0 }).end();
      return true;
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    response.writeHead(range === null ? 200 : 206, {
      ...common,
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-length": end - start + 1,
      ...(range !== null && { "content-range": `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === "HEAD" || size === 0) {
      response.end();
      return true;
    }
    // gone while the file was opened: it would not say so again
    if (response.destroyed) return true;
    isStreaming = true;
    const stream = createReadStream("", { fd: file, start, end });
    // a reader that goes away, or a disk that fails half-way: the connection ends, and with it the file
    stream.once("error", () => response.destroy());
    response.once("close", () => stream.destroy());
    stream.pipe(response);
    return true;
  } finally {
    if (!isStreaming) await file.close();
  }
}
