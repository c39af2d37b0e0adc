#!/usr/bin/env bash
# Installs what is missing of the named parts from Debian's packages: build (always), ci.
# Without root it says exactly what to install. Sourced or run: install_dependencies.sh [ci]
# ocl-icd-opencl-dev: the CMake package of libdnnl-dev looks for OpenCL, and only recommends it.
set -eu
packages=(g++ cmake ninja-build ccache git libyaml-dev nlohmann-json3-dev doctest-dev libfmt-dev
          libspdlog-dev libdnnl-dev ocl-icd-opencl-dev zlib1g-dev liblapack3 dataset-fashion-mnist)
[ "${1:-}" = ci ] && packages+=(clang-format python3)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then
  run=()
elif command -v sudo >/dev/null && sudo -v; then
  run=(sudo)
else
  echo "Missing packages. As root, run:  apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "Installing from Debian: ${missing[*]}"
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
