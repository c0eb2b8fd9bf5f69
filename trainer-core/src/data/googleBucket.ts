import { DataError } from "./dataError.ts";
import type { HttpFilesOptions } from "./httpFiles.ts";
import { HttpRequester } from "./httpRequest.ts";
import { extensionOf, TOKEN_FILE_EXTENSIONS } from "./tokenFile.ts";

const ENDPOINT = "https://storage.googleapis.com";
const MAX_PAGE_BYTES = 8 * 2 ** 20;
const MAX_FILES = 65_536;

interface Page {
  items?: { name?: unknown; mediaLink?: unknown }[];
  nextPageToken?: unknown;
}

/**
 * The urls of the token files in a public bucket, below `folder` ("" = all), in ascending order; the bucket is listed without an
 * account. JSON API: https://cloud.google.com/storage/docs/json_api/v1/objects/list
 */
export async function googleBucketUrls(
  bucket: string,
  folder: string,
  options: HttpFilesOptions,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const requester = new HttpRequester(options);
  const objects = `${(options.storageEndpoint ?? ENDPOINT).replace(/\/$/, "")}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const urls: string[] = [];
  for (let pageToken = ""; ;) {
    const query = new URLSearchParams({ prefix: folder === "" || folder.endsWith("/") ? folder : `${folder}/` });
    if (pageToken !== "") query.set("pageToken", pageToken);
    const page = parsePage(`${objects}?${query}`, await requester.text(`${objects}?${query}`, MAX_PAGE_BYTES, signal));
    for (const { name, mediaLink } of page.items ?? []) {
      if (typeof name !== "string" || !TOKEN_FILE_EXTENSIONS.includes(extensionOf(name))) continue;
      urls.push(typeof mediaLink === "string" ? mediaLink : `${objects}/${encodeURIComponent(name)}?alt=media`);
    }
    if (urls.length > MAX_FILES) {
      throw new DataError("bad-request", `bucket ${bucket} has more than ${MAX_FILES} token files: name a folder in filter_directory`);
    }
    if (typeof page.nextPageToken !== "string" || page.nextPageToken === "" || page.nextPageToken === pageToken) break;
    pageToken = page.nextPageToken;
  }
  if (urls.length === 0) {
    const where = folder === "" ? `bucket ${bucket}` : `folder ${folder} of bucket ${bucket}`;
    throw new DataError("empty", `${where} has no file ending in ${TOKEN_FILE_EXTENSIONS.join(", ")}`);
  }
  return urls.sort();
}

function parsePage(url: string, text: string): Page {
  try {
    const page = JSON.parse(text) as Page;
    if (typeof page === "object" && page !== null && (page.items === undefined || Array.isArray(page.items))) return page;
  } catch (cause) {
    throw new DataError("bad-file", `GET ${url}: not the JSON listing of a bucket: ${(cause as Error).message}`, cause);
  }
  throw new DataError("bad-file", `GET ${url}: not the JSON listing of a bucket`);
}
