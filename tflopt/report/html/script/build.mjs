// Bundles src/ and the libraries into ../templates/explorer.js, with the libraries' licences.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const names = readdirSync(new URL("src/", here)).sort();
const hash = createHash("sha256");
for (const name of ["package.json", ...names.map((name) => `src/${name}`)]) {
  hash.update(readFileSync(new URL(name, here)));
}
const libraries = [
  "d3-hierarchy, d3-selection, d3-zoom and what they import: ISC, Copyright Mike Bostock",
  "d3-ease: BSD-3-Clause, Copyright Mike Bostock, Robert Penner",
  "@dagrejs/dagre, @dagrejs/graphlib: MIT, Copyright Chris Pettitt",
];
await build({
  absWorkingDir: new URL(".", here).pathname,
  entryPoints: ["src/main.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  banner: { js: `/* sources ${hash.digest("hex")}; ${libraries.join("; ")} */` },
  outfile: "../templates/explorer.js",
});
// esbuild writes control characters of string literals raw; a page has none.
const bundle = new URL("../templates/explorer.js", here);
const escaped = (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
const raw = /[\x00-\x08\x0b-\x1f\x7f]/g;
writeFileSync(bundle, readFileSync(bundle, "utf8").replace(raw, escaped));
