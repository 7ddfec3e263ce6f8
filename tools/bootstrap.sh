#!/bin/sh
# Sets up .venv: the project, editable, with everything it needs in the versions of constraints.txt.
#
#   tools/bootstrap.sh                 make or refresh .venv, when that is needed
#   tools/bootstrap.sh --find-python   print the Python it would be made with, and stop
#
# BAYESDENSE_PYTHON names the Python to use; without it, several places are searched. A Python that
# is found is run before it is believed: a pyenv shim can stand for a version that is not selected,
# and some systems leave out what a virtual environment needs.
set -eu
unset PYTHONHOME

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"

venv=$root/.venv
stamp=$venv/.setup-complete       # written last: what the environment was made from
unfinished=$root/.venv.unfinished # there from the start of a setup to its end
log=$root/.cache/setup.log
newline='
'

scratch=       # a temporary folder
fresh=         # set while the environment is new and not complete
chosen=        # the Python that find_python found
tried=         # those it looked at already
cannot_make=   # one that is new enough but cannot make a virtual environment

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}

finish() {
    status=$?
    trap - EXIT
    trap '' HUP INT TERM
    [ -z "$scratch" ] || rm -rf "$scratch"
    if [ -n "$fresh" ]; then rm -rf "$venv" "$unfinished"; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- Finding a Python -----------------------------------------------------------------------------

# What interpreter $1 is, such as "cpython 3.13.0"; fails when it does not run.
version_of() {
    "$1" -I -c '
import sys, sysconfig
name = sys.implementation.name
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    name += "-freethreaded"
print(name, "%d.%d.%d" % sys.version_info[:3])' </dev/null 2>/dev/null
}

# The versions that the pinned packages support.
supported() {
    case $1 in
        "cpython 3."1[234].*) return 0 ;;
        *) return 1 ;;
    esac
}

# Makes virtual environment $2 with interpreter $1; leaves nothing behind when it cannot.
make_venv() {
    if "$1" -I -m venv "$2" </dev/null >>"$scratch/venv.log" 2>&1 && has_pip "$2"; then
        return 0
    fi
    rm -rf "$2"
    return 1
}

has_pip() { "$1/bin/python" -I -m pip --version </dev/null >/dev/null 2>&1; }

# Chooses interpreter $1 if it will do.
consider() {
    case $1 in "$venv"/* | .venv/* | ./.venv/*) return 1 ;; esac
    if [ ! -f "$1" ] || [ ! -x "$1" ]; then return 1; fi
    case $tried in *"$newline$1$newline"*) return 1 ;; esac
    tried=$tried$newline$1$newline
    version=$(version_of "$1") || return 1
    supported "$version" || return 1
    if ! make_venv "$1" "$scratch/probe"; then
        cannot_make="$1 (${version#cpython })"
        return 1
    fi
    rm -rf "$scratch/probe"
    chosen=$1
}

# Every $1 on PATH, not only the first, which may be a shim that fails.
from_path() {
    name=$1
    old_ifs=$IFS
    IFS=:
    set -f
    # shellcheck disable=SC2086
    set -- $PATH
    set +f
    IFS=$old_ifs
    for folder; do
        if consider "${folder:-.}/$name"; then return 0; fi
    done
    return 1
}

# The folders where pyenv may keep its versions; HOME may be of no help, so PATH is read too.
pyenv_roots() {
    if [ -n "${PYENV_ROOT:-}" ]; then say "$PYENV_ROOT"; fi
    if [ -n "${HOME:-}" ]; then say "$HOME/.pyenv"; fi
    pyenv root 2>/dev/null </dev/null || :
    say "$PATH" | tr ':' '\n' | sed -n -e 's|/shims/*$||p' -e 's|/bin/*$||p'
}

# The newest first of the versions in pyenv's folders whose names begin with $1.
from_pyenv() {
    prefix=$1
    found=$(
        pyenv_roots | while IFS= read -r folder; do
            for version_folder in "$folder/versions/$prefix"*; do
                if [ -x "$version_folder/bin/python" ]; then
                    say "${version_folder##*/}/$version_folder/bin/python"
                fi
            done
        done | sort -t . -k 2,2nr -k 3,3nr | sed 's|^[^/]*/||'
    )
    old_ifs=$IFS
    IFS=$newline
    set -f
    # shellcheck disable=SC2086
    set -- $found
    set +f
    IFS=$old_ifs
    for python; do
        if consider "$python"; then return 0; fi
    done
    return 1
}

# A Python that uv knows of, or else one that uv fetches.
from_uv() {
    uv --version </dev/null >/dev/null 2>&1 || return 1
    found=$(uv python find --system '>=3.12,<3.15' 2>/dev/null </dev/null) || found=
    if consider "$found"; then return 0; fi
    say "No Python on this computer will do: uv fetches Python $wanted, about a minute ..." >&2
    uv python install --quiet "$wanted" </dev/null >/dev/null 2>&1 || return 1
    found=$(uv python find --system "$wanted" 2>/dev/null </dev/null) || return 1
    consider "$found"
}

search() {
    from_path "python$wanted" && return
    from_pyenv "$wanted" && return
    for name in python3.14 python3.13 python3.12 python3 python; do
        from_path "$name" && return
    done
    from_pyenv 3. && return
    from_uv
}

find_python() {
    if [ -n "${BAYESDENSE_PYTHON:-}" ]; then
        python=$(command -v "$BAYESDENSE_PYTHON") || python=
        consider "$python" && return
        die "BAYESDENSE_PYTHON is $BAYESDENSE_PYTHON, which is not a Python 3.12, 3.13 or 3.14" \
            "that runs and can make a virtual environment with pip."
    fi
    wanted=$(sed -n '1s/^ *\([0-9]*\.[0-9]*\).*/\1/p' .python-version 2>/dev/null) || wanted=
    wanted=${wanted:-3.13}
    search && return
    if [ -n "$cannot_make" ]; then
        die "$cannot_make cannot make a virtual environment with pip: install its venv module" \
            "(on Debian and Ubuntu the python3-venv package), or set BAYESDENSE_PYTHON to" \
            "another Python 3.12, 3.13 or 3.14."
    fi
    die "No Python that will do was found: install Python $wanted (3.12 and 3.14 will do too)" \
        "with its venv module, or set BAYESDENSE_PYTHON to one that is installed."
}

# --- Setting up .venv -----------------------------------------------------------------------------

# What the stamp says when the environment is up to date. Environments cannot be moved: hence root.
fingerprint() {
    say "$root"
    cat pyproject.toml constraints.txt | cksum
}

# Sets `wrong` to why the environment has to be made again, or to nothing.
judge() {
    wrong=
    if ! current=$(version_of "$venv/bin/python"); then
        wrong="its Python does not run"
    elif ! supported "$current"; then
        wrong="it has Python ${current#cpython }, and 3.12, 3.13 or 3.14 is needed"
    elif [ -n "${BAYESDENSE_PYTHON:-}" ] &&
        asked=$(version_of "$BAYESDENSE_PYTHON") && [ "$asked" != "$current" ]; then
        wrong="it has Python ${current#cpython }, and BAYESDENSE_PYTHON is ${asked#cpython }"
    elif [ -e "$unfinished" ]; then
        wrong="an earlier setup was cut short"
    elif [ -e "$stamp" ] && [ "$(sed -n 1p "$stamp")" != "$root" ]; then
        wrong="the project has moved"
    elif [ ! -e "$stamp" ] && ! has_pip "$venv"; then
        wrong="it has no pip"
    fi
}

install() {
    # Build backends come first, so that they are pinned too: odfpy has no wheel, and needs setuptools.
    set -- --disable-pip-version-check --no-input --progress-bar off --constraint constraints.txt
    "$venv/bin/python" -m pip install "$@" hatchling setuptools </dev/null >>"$log" 2>&1 &&
        "$venv/bin/python" -m pip install "$@" --no-build-isolation --editable '.[dev]' \
            </dev/null >>"$log" 2>&1
}

setup() {
    exists=
    if [ -e "$venv" ] || [ -L "$venv" ]; then
        exists=yes
        judge
        if [ -z "$wrong" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
            return
        fi
    fi

    if [ -z "$exists" ] || [ -n "$wrong" ]; then
        find_python
        if [ -n "$exists" ]; then say "Making .venv again: $wrong."; fi
        say "Setting up .venv with Python ${version#cpython } ($chosen): a few seconds ..."
        fresh=yes
        : >"$unfinished"
        rm -rf "$venv"
        make_venv "$chosen" "$venv" || die "Making .venv with $chosen failed: is the disk full?"
        say "Installing the pinned packages: a minute or two the first time ..."
    else
        say "Bringing .venv up to date with pyproject.toml and constraints.txt: under a minute ..."
        : >"$unfinished"
    fi

    mkdir -p "${log%/*}"
    : >"$log"
    if ! install; then
        rm -f "$unfinished"
        say "--- the end of ${log#"$root"/} ---" >&2
        tail -n 20 "$log" >&2
        die "Installing the packages failed, for the reason above: check the network and run it again."
    fi
    fingerprint >"$stamp.new"
    mv "$stamp.new" "$stamp"
    fresh=
    rm -f "$unfinished"
    say "The environment is ready."
}

case ${1:-} in
    --find-python | '') ;;
    *) die "usage: tools/bootstrap.sh [--find-python]" ;;
esac
scratch=$(mktemp -d)
if [ "${1:-}" = --find-python ]; then
    find_python
    say "$chosen"
else
    setup
fi
