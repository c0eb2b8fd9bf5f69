import { fail, ok, type Check } from "../check.ts";

/** What package.json has as its `node`, and the first that runs our TypeScript as it is. */
const WANTED_MAJOR = 24;

export function nodeVersion(version: string = process.versions.node): Check {
  return {
    id: "node",
    title: "Node.js",
    run: async () =>
      Number(version.split(".")[0]) >= WANTED_MAJOR
        ? ok(`${version} (${process.platform} ${process.arch})`)
        : fail(
            `${version}; ${WANTED_MAJOR} or newer is needed`,
            "Start it with `npm run starling -- doctor`, which brings its own Node.js.",
          ),
  };
}
