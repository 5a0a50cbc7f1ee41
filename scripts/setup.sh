# Sets up .venv: sourced by run.sh and test.sh, which call `set_up runtime` or `set_up dev`.
#
# Each stage leaves a copy of what it installed in .venv/.done, written last; while that copy equals the
# requirements of today the stage is skipped, so a second start costs milliseconds and an interrupted one is
# continued. Works with the bash 3.2 of macOS. pip's own configuration (mirrors, find-links, proxies) is honoured.

VENV=.venv
PYTHON_BIN=$VENV/bin/python
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
PROBE_SECONDS=4

say() { if [ -t 2 ]; then printf '\033[1m· %s\033[0m\n' "$*" >&2; else printf '· %s\n' "$*" >&2; fi; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

# --- system packages -------------------------------------------------------------------------------------------

# Prints the command prefix that may install packages without asking ("" as root, "sudo -n"), or fails.
privilege() {
  if [ "$(id -u)" = 0 ]; then return 0; fi
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then echo "sudo -n"; return 0; fi
  return 1
}

# apt_install PACKAGE…: installs those that are missing, or names the command and stops.
apt_install() {
  local missing="" package prefix
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if ! prefix=$(privilege); then
    die "missing system packages; run this and start again: sudo apt-get install -y$missing"
  fi
  say "installing system packages:$missing"
  # Word splitting is meant below: the prefix may be two words, and the packages are a list.
  # A fresh image has no package lists and a stale one names files that are gone: an update cures both.
  # shellcheck disable=SC2086
  {
    local install="$prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $missing"
    $install </dev/null >&2 || { $prefix apt-get -qq update </dev/null >&2 && $install </dev/null >&2; } ||
      die "apt-get failed; install these by hand and start again:$missing"
  }
}

has_apt() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; }

# --- Python ----------------------------------------------------------------------------------------------------

# Prints a Python of 3.11 or newer: $PYTHON, else the first that is found.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.12 python3.11 python3.13 python3.14 python3 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

make_venv() {
  local python version
  if "$PYTHON_BIN" -m pip --version >/dev/null 2>&1; then return 0; fi
  if ! python=$(find_python); then
    if [ "$(uname)" = Darwin ]; then die "Python 3.11 or newer is needed; run: brew install python@3.12"; fi
    # Debian 12, Ubuntu 24.04 and later bring one as python3; where that is older, python3.11 is a package beside it.
    local name=python3
    if command -v python3 >/dev/null 2>&1; then name=python3.11; fi
    die "Python 3.11 or newer is needed (PYTHON=/path/to/it $0 names one); run: sudo apt-get install -y $name $name-venv"
  fi
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    has_apt || die "$python lacks the module venv; install it for Python $version and start again"
    apt_install "python$version-venv"
  fi
  say "creating $VENV with Python $version"
  "$python" -m venv --clear "$VENV" || die "can't create $VENV; see above"
}

pip_install() {
  local bar=off
  [ -t 2 ] && bar=on
  "$PYTHON_BIN" -m pip install --disable-pip-version-check --no-input --no-compile --prefer-binary --progress-bar "$bar" "$@" \
    </dev/null >&2
}

# An install killed half-way leaves packages that look installed; pip marks the finished ones with INSTALLER.
drop_unfinished_packages() {
  local info
  for info in "$VENV"/lib/python3.*/site-packages/*.dist-info; do
    if [ -d "$info" ] && [ ! -f "$info/INSTALLER" ]; then rm -rf "$info"; fi
  done
}

# On Linux the registry's PyTorch carries 3 GB of CUDA. Without an NVIDIA GPU its CPU build is taken from PyTorch's
# own index if that answers at once; if not, pip's configuration decides (it may know a CPU build too).
install_torch() {
  local requirement
  requirement=$(grep -E '^torch==' requirements.txt) || die "requirements.txt doesn't pin torch"
  if [ "$(uname)" = Linux ] && ! nvidia-smi >/dev/null 2>&1 && torch_cpu_index_answers; then
    say "PyTorch: the CPU build (no NVIDIA GPU here)"
    if pip_install --extra-index-url "$TORCH_CPU_INDEX" "$requirement"; then return 0; fi
    say "that failed; trying pip's own configuration"
  else
    say "PyTorch"
  fi
  pip_install "$requirement" || die "PyTorch could not be installed; check the network and start again"
}

torch_cpu_index_answers() {
  "$PYTHON_BIN" - "$TORCH_CPU_INDEX/torch/" "$PROBE_SECONDS" <<'PROBE' 2>/dev/null
import os, ssl, sys, urllib.request
context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
request = urllib.request.Request(sys.argv[1], method="HEAD")
urllib.request.urlopen(request, timeout=float(sys.argv[2]), context=context)
PROBE
}

# --- stages ----------------------------------------------------------------------------------------------------

# is_done STAGE FILE…: whether the stage was finished with these very files.
is_done() {
  local name=$1
  shift
  cat "$@" 2>/dev/null | cmp -s - "$VENV/.done/$name"
}

mark_done() {
  local name=$1
  shift
  mkdir -p "$VENV/.done"
  cat "$@" >"$VENV/.done/$name.new" && mv "$VENV/.done/$name.new" "$VENV/.done/$name"
}

install_runtime() {
  drop_unfinished_packages
  install_torch
  say "Python packages (a few minutes the first time)"
  pip_install -r requirements.txt || die "packages could not be installed; check the network and start again"
  pip_install --no-deps --editable . || die "the package itself could not be installed; see above"
  "$PYTHON_BIN" -c 'import av, faiss, gradio, open3d, soundfile, torch, transformers' ||
    die "a package can't be loaded (last line above); a missing lib….so is a system library, anything else is cured by: rm -rf $VENV"
}

# set_up runtime|dev: everything that the app needs, or the tests too.
set_up() {
  local wanted=$1
  if ! { [ -x "$PYTHON_BIN" ] && is_done runtime requirements.txt packages.txt; }; then
    if has_apt; then
      # shellcheck disable=SC2046
      apt_install $(cat packages.txt)
    fi
    make_venv
    install_runtime
    mark_done runtime requirements.txt packages.txt
  fi
  if [ "$wanted" = dev ] && ! is_done dev requirements-dev.txt; then
    say "packages for the tests"
    drop_unfinished_packages
    pip_install -r requirements-dev.txt || die "packages could not be installed; check the network and start again"
    mark_done dev requirements-dev.txt
  fi
  if ! is_done weights checkpoints/manifest.json; then
    say "weights"
    "$PYTHON_BIN" -m pointllm weights fetch >&2 || exit 1
    mark_done weights checkpoints/manifest.json
  fi
}
