#!/usr/bin/env bash
# build.sh PACKAGE OUT.so: one package of the workspace coordinator/ to a Solana program, with the tools of install.sh.
# SBF_ARCH v0 (default: what every cluster takes) or v3. CARGO_TARGET_DIR: where cargo works (default coordinator/target).
set -euo pipefail
[ $# = 2 ] || { echo "usage: build.sh PACKAGE OUT.so" >&2 && exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
workspace=$(cd "${SBF_WORKSPACE:-$here/..}" && pwd)
SBF_TOOLS=$(cd "${SBF_TOOLS:-$here/../target/toolchain}" && pwd)
# RUSTC_BOOTSTRAP would change the bytes
unset RUSTC_BOOTSTRAP RUSTC_WRAPPER CARGO_ENCODED_RUSTFLAGS
export SBF_TOOLS SBF_ARCH=${SBF_ARCH:-v0} RUSTC=/usr/bin/rustc
export CARGO_PROFILE_RELEASE_OPT_LEVEL=3 CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_STRIP=false
target=${CARGO_TARGET_DIR:-$workspace/target}/sbf-$SBF_ARCH # cargo does not know of the architecture
export RUSTFLAGS="-C linker=$here/sbf-ld -C panic=abort -C relocation-model=static --remap-path-prefix=$workspace=coordinator \
--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=registry"
cd "$workspace"
# cdylib alone: cargo does not optimise across crates where a crate is a library too, and then LLVM would not see them all
/usr/bin/cargo rustc --quiet --locked --release --package "$1" --crate-type cdylib --target bpfel-unknown-none --target-dir "$target"
cp "$target/bpfel-unknown-none/release/lib${1//-/_}.so" "$2"
