/**
 * A set of files that can be read in ranges: a directory, or files on a web server. Implementations reject with a `DataError`.
 */
export interface FileSource {
  /** The token files in the order in which their sequences are numbered. */
  list(signal?: AbortSignal): Promise<string[]>;
  sizeBytes(name: string, signal?: AbortSignal): Promise<number>;
  /** Exactly `lengthBytes` bytes; reading past the end is an error. */
  read(name: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
}
