#!/usr/bin/env bash
# Sets up .venv and runs the tests; arguments go to pytest.  ./test.sh --browser … also runs those in a real browser.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

browser=no
if [ "${1-}" = --browser ]; then
  browser=yes
  shift
fi

set_up dev
if [ "$browser" = no ]; then
  exec "$PYTHON_BIN" -m pytest -m "not browser" "$@"
fi
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  # Only Debian packages Chromium as a program; on Ubuntu the package is a pointer to a snap.
  if has_apt && grep -q '^ID=debian' /etc/os-release; then
    apt_install chromium
  else
    say "a browser for the tests"
    "$PYTHON_BIN" -m playwright install chromium || die "no Chromium for the tests; install one and start again"
  fi
fi
exec "$PYTHON_BIN" -m pytest "$@"
