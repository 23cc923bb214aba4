#!/bin/sh
# Builds gVisor's runsc from its Go module into DIRECTORY. The checksum database vouches for the source.
#
# A sandbox filters its own calls to the machine's kernel. gVisor's releases carry these filters compiled; its Go module
# does not, and compiles one at the start of every sandbox, for a good part of the time that takes. So the module gets the
# one that jobs start with: filter.go.txt, in the place where the releases have theirs. gVisor takes it only for the very
# options it was compiled for, and compiles the filter itself for any others.
#
#   build.sh DIRECTORY VERSION
#   build.sh pin VERSION          writes filter.go.txt anew, by gVisor's own precompiler (about two minutes, as root)
#
# One rule has the number of the process that compiles it, where a sandbox has its own, which is 1 in its namespace: so the
# precompiler is number 1 too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=$1
version=$2
export GOFLAGS= CGO_ENABLED=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && go mod download -json "gvisor.dev/gvisor@$version") >"$work/module" || {
	cat "$work/module" >&2
	exit 1
}
cp -R "$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p' "$work/module")" "$work/gvisor"
chmod -R u+w "$work/gvisor"
filter=$work/gvisor/runsc/boot/filter/filter_precompiled.go

if [ "$into" = pin ]; then
	mkdir "$work/gvisor/runsc/boot/filter/pin"
	cp "$here/pin.go.txt" "$work/gvisor/runsc/boot/filter/pin/main.go"
	cd "$work/gvisor"
	go build -o "$work/pin" ./runsc/boot/filter/pin
	unshare --pid --fork "$work/pin" "$version" "$filter" >"$work/filter"
	cp "$work/filter" "$here/filter.go.txt"
	exit 0
fi

[ "$(sed -n '1s|^// .* \(v0[^ ]*\),.*|\1|p' "$here/filter.go.txt")" = "$version" ] || {
	echo "build.sh: filter.go.txt is not of gVisor $version: run build.sh pin $version" >&2
	exit 1
}
cp "$here/filter.go.txt" "$filter"
cd "$work/gvisor"
mark=$version-$(sha256sum "$here/filter.go.txt" | cut -c 1-12)
go build -trimpath -ldflags "-X gvisor.dev/gvisor/runsc/version.version=$mark" -o "$work/runsc" ./runsc
install -d -m 0755 "$into"
install -m 0755 "$work/runsc" "$into/runsc"
