# What a fresh Debian machine may lack, put in place; sourced by the other scripts, from the checkout's root.
# shellcheck shell=bash

# Stop with a message that says what to do.
give_up() {
    echo "$*" >&2
    exit 1
}

# Install Debian packages, as root or through a sudo that asks no questions; say what to run otherwise.
install_packages() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo --non-interactive true 2>/dev/null || give_up "Needed, and only root can install it: apt-get install $*"
        as_root=(sudo --non-interactive)
    fi
    command -v apt-get >/dev/null || give_up "Needed, and there is no apt-get to install it with: $*"
    echo "Installing $* ..." >&2
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "$@" >/dev/null
}

# SQLite and the TLS library are built from C.
ensure_c_compiler() {
    command -v cc >/dev/null || install_packages build-essential
}

# Counts instructions for bench/micro.
ensure_valgrind() {
    command -v valgrind >/dev/null || install_packages valgrind
}

# Looks at the admin pages.
ensure_chromium() {
    command -v chromium >/dev/null || install_packages chromium fonts-dejavu-core
}

ensure_curl() {
    command -v curl >/dev/null || install_packages curl
}

# Packages from pinned lists, in .venv. The lists name everything, so that pip has nothing to resolve; a list that was
# installed is kept beside the packages, so that a second run is over at once.
ensure_python_packages() {
    command -v python3 >/dev/null || install_packages python3 python3-venv
    # Debian's python3 comes without the part that puts pip into a new environment.
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
    [ -x .venv/bin/pip ] || python3 -m venv .venv
    local list installed
    for list in "$@"; do
        installed=".venv/installed-$(basename "$(dirname "$list")")-$(basename "$list")"
        if ! cmp -s "$list" "$installed"; then
            echo "Installing the Python packages of $list ..." >&2
            .venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r "$list"
            cp "$list" "$installed"
        fi
    done
}

# The packages of a package-lock.json, in the folder it is in.
ensure_node_packages() {
    command -v npm >/dev/null || install_packages nodejs npm
    if ! cmp -s "$1/package-lock.json" "$1/node_modules/installed-package-lock.json"; then
        echo "Installing the JavaScript packages of $1 ..." >&2
        (cd "$1" && npm ci --no-audit --no-fund --silent)
        cp "$1/package-lock.json" "$1/node_modules/installed-package-lock.json"
    fi
}
