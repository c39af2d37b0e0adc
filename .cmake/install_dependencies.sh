#!/usr/bin/env bash
# Installs what is missing of the named parts from Debian's packages: build (always), sim (the
# simulated device), cuda, ci.
# Without root it says exactly what to install. Sourced or run: install_dependencies.sh [PART ...]
# cuda also puts the headers of cudnn-frontend (pinned, checked by hash) under build/_deps; without
# them the CUDA build has no cuDNN variants.
# ocl-icd-opencl-dev: the CMake package of libdnnl-dev looks for OpenCL, and only recommends it.
set -eu
packages=(g++ cmake ninja-build ccache git libyaml-dev nlohmann-json3-dev doctest-dev libfmt-dev
          libspdlog-dev libdnnl-dev ocl-icd-opencl-dev zlib1g-dev liblapack3
          dataset-fashion-mnist)
wants_cudnn=false
for part in "$@"; do
  case "$part" in
    build) ;;
    sim) packages+=(libboost-context-dev binutils) ;;
    cuda) packages+=(python3-pip unzip) wants_cudnn=true ;;
    ci) packages+=(clang-format clang-14 libclang-rt-14-dev python3 python3-venv strace) ;;
    *)
      echo "install_dependencies.sh: there is no part '$part' (build, sim, cuda, ci)" >&2
      exit 2
      ;;
  esac
done
# Headers that Debian lacks; not an error where there is no network.
fetch_cudnn_frontend() {
  local root target
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  target=$root/build/_deps/cudnn_frontend
  [ -f "$target/include/cudnn_frontend.h" ] && return 0
  rm -rf "$target" && mkdir -p "$target"
  if python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
      --implementation cp --platform manylinux_2_28_x86_64 --require-hashes \
      -r "$root/.cmake/cudnn_frontend.txt" -d "$target" &&
      unzip -q "$target"/*.whl 'include/*' -d "$target"; then
    rm -f "$target"/*.whl
  else
    rm -rf "$target"
    echo "The headers of cudnn-frontend could not be fetched; building without cuDNN." >&2
  fi
}

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  $wants_cudnn && fetch_cudnn_frontend
  exit 0
fi
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
$wants_cudnn && fetch_cudnn_frontend
exit 0
