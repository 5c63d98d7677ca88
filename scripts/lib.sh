# Shared by the set-up scripts; sourced, never run. Sets ROOT, TOOLS, STAMPS.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=$ROOT/.tools
STAMPS=$TOOLS/stamps
export ROOT TOOLS STAMPS
mkdir -p "$STAMPS"

say() { printf '%s\n' "loaxa: $*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command quietly; its output appears only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# One set-up at a time: waits until no other process holds the named lock, then holds it until this script ends.
take_lock() {
    exec 9>"$TOOLS/$1.lock"
    flock 9
}

# A stamp file holds the fingerprint of what a step was made from, so a step runs again only when that changes.
fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }
stamped() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$STAMPS/$1.new" && mv "$STAMPS/$1.new" "$STAMPS/$1"; }

# os_field NAME: a field of /etc/os-release, such as ID or VERSION_CODENAME.
os_field() { ( . /etc/os-release && printf '%s' "${!1:-}" ); }
