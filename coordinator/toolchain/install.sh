#!/usr/bin/env bash
# Builds the three small tools of this recipe into coordinator/target/toolchain, once (about 3 minutes). Debian packages:
# with --packages it installs them (root), without it says which are missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${SBF_TOOLS:-$here/../target/toolchain}
packages=(rustc-web libstd-rust-web-dev-bpf cargo-web llvm-22 llvm-22-dev clang-22 g++)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "${1:-}" != --packages ]; then
    echo "missing: apt-get install --no-install-recommends ${missing[*]}   (Debian 12 with bookworm-security; or run this with --packages)" >&2
    exit 3
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi
mkdir -p "$tools"
clang-22 -target bpfel -mcpu=v2 -O1 -fno-builtin -ffreestanding -emit-llvm -c "$here/runtime.c" -o "$tools/runtime.bc"
# shellcheck disable=SC2046 # llvm-config prints several words
g++ -O1 -fPIC -shared -fno-rtti $(llvm-config-22 --cxxflags | sed 's/-O[0-9s]//') "$here/legalize.cpp" -o "$tools/legalize.so"
RUSTC=/usr/bin/rustc /usr/bin/cargo build --quiet --locked --release --manifest-path "$here/sbflink/Cargo.toml" --target-dir "$tools/build"
cp "$tools/build/release/sbflink" "$tools/sbflink"
