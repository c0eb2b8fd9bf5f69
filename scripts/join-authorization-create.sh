#!/bin/sh
# Lets GRANTEE join the runs that KEY decides about; 11111111111111111111111111111111 = everyone.
# sh scripts/join-authorization-create.sh RPC KEY GRANTEE [further options of starling join-authorization-create]
set -eu
if [ $# -lt 3 ]; then
  echo "usage: sh $0 RPC KEY GRANTEE" >&2
  exit 2
fi
rpc=$1
key=$2
grantee=$3
shift 3
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
exec node "$here/bootstrap.mjs" starling join-authorization-create \
  --rpc "$rpc" --wallet-private-key-path "$key" --authorizer "$grantee" "$@"
