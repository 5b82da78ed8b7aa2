#!/bin/bash
# Runs on the builder instance: adds the package repositories, installs the packages one by one, removes the repositories again.
# Environment: package_type (deb or rpm), packages ("name=version …" as the type writes it), repository (several parted by ";"),
# upgrade (true: all packages of the system first). Ends with the first error.
set -euo pipefail

package_type=${package_type:-deb}
packages=${packages:-}
repository=${repository:-}
upgrade=${upgrade:-}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi; }

SOURCES=
cleanup() { if [ -n "$SOURCES" ]; then as_root rm -f "$SOURCES"; fi; }
trap cleanup EXIT

split_repositories() { IFS=';' read -r -a REPOSITORIES <<< "$repository"; }

install_deb() {
    local package
    export DEBIAN_FRONTEND=noninteractive
    if [ -n "$repository" ]; then
        SOURCES=/etc/apt/sources.list.d/gennaker-bake.list
        split_repositories
        printf 'deb %s\n' "${REPOSITORIES[@]}" | as_root tee "$SOURCES" > /dev/null
    fi
    as_root apt-get update -q
    if [ "$upgrade" = true ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get upgrade -q -y
    fi
    for package in $packages; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
    done
}

install_rpm() {
    local package manager=yum number=0 url
    if command -v dnf > /dev/null; then manager=dnf; fi
    if [ -n "$repository" ]; then
        SOURCES=/etc/yum.repos.d/gennaker-bake.repo
        split_repositories
        for url in "${REPOSITORIES[@]}"; do
            number=$((number + 1))
            printf '[gennaker-bake-%d]\nname=gennaker-bake-%d\nbaseurl=%s\nenabled=1\ngpgcheck=0\n' "$number" "$number" "$url"
        done | as_root tee "$SOURCES" > /dev/null
    fi
    if [ "$upgrade" = true ]; then as_root "$manager" -y update; fi
    for package in $packages; do
        as_root "$manager" -y install "$package"
    done
}

case $package_type in
    deb) install_deb ;;
    rpm) install_rpm ;;
    *)
        echo "install_packages.sh: package_type is $package_type, expected deb or rpm" >&2
        exit 2
        ;;
esac
