#!/bin/sh
# Runs a script with this repository's own Node. That one program needs a library which a minimal Debian does not have: as root on Debian it
# is installed, elsewhere it is named.
set -eu
node=node_modules/.bin/node
[ -x "$node" ] || { echo "This repository's Node is not there: run \"npm ci\" first" >&2; exit 1; }
if ! "$node" --version >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libatomic1 >/dev/null
  fi
  "$node" --version >/dev/null || { echo "Node cannot start here; on Debian: apt-get install libatomic1" >&2; exit 1; }
fi
exec "$node" "$@"
