#!/usr/bin/env bash
# Sets up .venv and starts the app on http://localhost:7860 (PORT overrides).  ./run.sh --install only sets up.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

case "${1-}" in
  "" | --install) [ $# -le 1 ] || die "run.sh takes one option: --install" ;;
  *) die "unknown option $1; run.sh takes --install, and PORT=… ./run.sh another port" ;;
esac

set_up runtime
if [ "${1-}" = --install ]; then
  say "ready: ./run.sh starts the app"
  exit 0
fi
exec "$PYTHON_BIN" app.py
