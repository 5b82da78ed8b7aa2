#!/bin/bash
# Runs inside the instance: add the repositories (parted by ";"), install the packages one by one, remove the repositories.
# Environment: repository, packages
set -euo pipefail
: "${repository:?}" "${packages:?}"
list=/etc/apt/sources.list.d/bake.list
IFS=';' read -ra repos <<< "$repository"
printf 'deb %s\n' "${repos[@]}" | sudo tee "$list" > /dev/null
sudo apt-get update -q
for p in $packages; do
	sudo DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$p"
done
sudo rm -f "$list"
