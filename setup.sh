#!/bin/sh
# Installs what a bare Debian 12 lacks to build, run and test loco.
set -eu

usage() {
  cat <<'TEXT'
usage: ./setup.sh [--check] [--help]

Installs the Debian packages that loco is built, run and tested with, from the
sources that this machine's apt is configured for. Packages that are there
already are left alone; if none is missing, nothing is done and nothing is
printed. Needs root, or sudo.

  --check   install nothing; list what is missing, exit with 1 if anything is
  --help    this text

docs/Dependencies.md says what each package is for.
TEXT
}

# One group a line; docs/Dependencies.md gives the reason for each.
packages="
  cmake ninja-build ccache git ca-certificates
  clang-22 lld-22 libclang-rt-22-dev
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  antlr4 libantlr4-runtime-dev
  libfmt-dev libcli11-dev nlohmann-json3-dev
  zlib1g-dev libzip-dev libkissfft-dev
  pkg-config libcairo2-dev fonts-dejavu-core libhdf5-dev
  libopenblas0-pthread
  python3 python3-numpy
"

fail() {
  printf 'setup.sh: error: %s\n' "$1" >&2
  shift
  for line; do printf '  %s\n' "$line" >&2; done
  exit 1
}

check_only=no
case "${1-}" in
  '') ;;
  --check) check_only=yes ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; fail "there is no option \`$1\`" ;;
esac

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
  fail 'this is not a Debian system (no dpkg-query, no apt-get)' \
    'docs/Dependencies.md names the libraries to install by other means'

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $packages; do
  is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$check_only" = yes ]; then
  printf 'missing:%s\n' "$missing"
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  as_root() { "$@"; }
elif command -v sudo >/dev/null 2>&1; then
  as_root() { sudo "$@"; }
else
  fail 'packages are missing, and installing them needs root or sudo' "missing:$missing"
fi

# Quiet unless it goes wrong; then all that apt said.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

run_apt update ||
  fail 'apt-get update failed' 'is this machine connected to its package mirror?'

# All at once, so that one run names everything that cannot be had.
unknown=
for package in $missing; do
  case "$(apt-cache policy "$package" 2>/dev/null)" in
    *'Candidate: (none)'* | '') unknown="$unknown $package" ;;
  esac
done
if [ -n "$unknown" ]; then
  . /etc/os-release
  fail 'the package sources of this machine do not offer everything that loco needs' \
    "not found:$unknown" \
    "on ${PRETTY_NAME:-an unknown system}; Debian 12 (bookworm) has all of it, LLVM 22 in" \
    'bookworm-security: check that /etc/apt lists both bookworm and bookworm-security'
fi

printf 'setup.sh: installing%s\n' "$missing"
# The Java run time that antlr4 needs fails to install where a slim image lacks this folder.
as_root mkdir -p /usr/share/man/man1
# shellcheck disable=SC2086 # a list of words
run_apt install -y --no-install-recommends $missing ||
  fail 'apt-get could not install all packages' "wanted:$missing"
printf 'setup.sh: done\n'
