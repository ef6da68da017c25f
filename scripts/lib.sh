# lib.sh: sourced by the scripts here. Sets LEAT_ROOT and gives a few words to say things with.
set -euo pipefail
LEAT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LEAT_ROOT

say() { printf '%s\n' "$*"; }
head_line() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$1" >&2; shift; for hint in "$@"; do printf '  hint: %s\n' "$hint" >&2; done; exit 1; }

# The project's own files, one a line: what git knows or will know; without git, all but what is built and fetched.
tree_files() {
    if git -C "$LEAT_ROOT" rev-parse --git-dir >/dev/null 2>&1; then
        git -C "$LEAT_ROOT" ls-files -co --exclude-standard | sort -u | while read -r f; do [ ! -f "$LEAT_ROOT/$f" ] || printf '%s\n' "$f"; done
    else
        (cd "$LEAT_ROOT" && find . -type f ! -path './build/*' ! -path './.deps/*' ! -path './.git/*' ! -path '*/lake/*' \
            ! -path '*/.leat/*' ! -path '*/flights/landing/*' ! -path '*/flights/late/*' | sed 's,^\./,,' | sort)
    fi
}
c_files() { tree_files | grep '\.[ch]$'; }

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
