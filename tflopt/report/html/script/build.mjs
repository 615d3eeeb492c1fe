// Bundles src/ and the libraries into ../templates/explorer.js, with the libraries' licences.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const read = (name) => readFileSync(new URL(name, here), "utf8");
const sources = readdirSync(new URL("src/", here)).sort().map((name) => `src/${name}`);
const hash = createHash("sha256");
for (const name of ["package.json", "package-lock.json", ...sources]) hash.update(read(name));

const { outputFiles, metafile } = await build({
  absWorkingDir: new URL(".", here).pathname,
  entryPoints: ["src/main.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  write: false,
});

/** The packages of which something is in the bundle. */
const packages = [...new Set(Object.keys(metafile.inputs)
  .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
  .filter(Boolean))].sort();

/** Each licence's text once, with the packages that it is of. */
const texts = new Map();
for (const name of packages) {
  const { license, version } = JSON.parse(read(`node_modules/${name}/package.json`));
  const file = ["LICENSE", "LICENSE.md", "license"].find((each) => existsSync(new URL(`node_modules/${name}/${each}`, here)));
  if (!file) throw new Error(`${name} has no licence file`);
  const text = read(`node_modules/${name}/${file}`).trim();
  const known = texts.get(text) ?? { license, names: [] };
  known.names.push(`${name} ${version}`);
  texts.set(text, known);
}
const licences = [...texts].map(([text, { license, names }]) => `${names.join(", ")}: ${license}\n\n${text}`);
const banner = `/* sources ${hash.digest("hex")}\n\nWith parts of:\n\n${licences.join("\n\n")}\n*/\n`;
if (banner.indexOf("*/") !== banner.length - 3) throw new Error("a licence ends the comment");

// esbuild writes control characters of string literals raw; a page has none.
const escaped = (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
const code = outputFiles[0].text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, escaped);
writeFileSync(new URL("../templates/explorer.js", here), banner.replaceAll("\r", "") + code);
