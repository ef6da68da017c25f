# lib.sh: sourced by the scripts here. Sets LEAT_ROOT and gives a few words to say things with.
set -euo pipefail
LEAT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LEAT_ROOT

say() { printf '%s\n' "$*"; }
head_line() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$1" >&2; shift; for hint in "$@"; do printf '  hint: %s\n' "$hint" >&2; done; exit 1; }

# The C files of the project, one a line, as git knows them or will.
c_files() { git ls-files -co --exclude-standard -- '*.c' '*.h' | sort -u | while read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "this needs root, and there is no sudo" "run as root: $*"
    fi
}

# fetch_npm PACKAGE@VERSION INTEGRITY FOLDER: the package's tarball in FOLDER, checked; prints its path.
# INTEGRITY is sha512-<base64> without the prefix, or empty where we have none to compare with (npm has its own).
fetch_npm() {
    local what=$1 integrity=$2 folder=$3 file got
    mkdir -p "$folder"
    file=$(cd "$folder" && npm pack --silent "$what" 2>"$folder/npm.log" | tail -n 1) || {
        cat "$folder/npm.log" >&2
        die "npm could not fetch $what" "is the network there? try: npm view $what"
    }
    got=$(openssl dgst -sha512 -binary "$folder/$file" | openssl base64 -A)
    if [ -n "$integrity" ] && [ "$got" != "$integrity" ]; then
        rm -f "$folder/$file"
        die "$what is not the file we know: sha512 $got" "nothing was unpacked; look into it before going on"
    fi
    say "  $what  $(stat -c %s "$folder/$file") bytes  sha512-$got" >&2
    printf '%s\n' "$folder/$file"
}
