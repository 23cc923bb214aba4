#!/bin/sh
# Builds the image of Python jobs from the distribution's packages, byte for byte the same every time, and puts it into
# DIRECTORY as sha256-<digest>.tar with its bill of materials beside it (sha256-<digest>.spdx.json). The digest is the
# image's id in every engine: an archive of another digest than the one written in `digest` is not kept.
#
#   build.sh DIRECTORY          what is there already is left alone
#   build.sh DIRECTORY pin      writes `digest` and `sbom` anew (after lock.sh or a change of sluice.py)
#
# Packages are only taken apart: none of their scripts runs, so there is no log, no cache and no account in the image.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=$1
pinned=$(cat "$here/digest" 2>/dev/null || true)
if [ "${2:-}" != pin ] && [ -n "$pinned" ] && [ -e "$into/sha256-$pinned.tar" ] && [ -e "$into/sha256-$pinned.spdx.json" ]; then
	exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C PYTHONHASHSEED=0
umask 022
root=$work/root
packages=$root/usr/lib/python3/dist-packages
mkdir -p "$work/packages" "$root"

fetch() {
	cd "$work/packages"
	apt-get download -q -o APT::Sandbox::User=root $(awk '{ print $1 "=" $2 }' "$here/packages.lock") >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		echo "build.sh: a locked package is not offered any more; lock.sh locks what is" >&2
		exit 1
	}
	sha256sum -- *.deb | awk '{ print $1 }' | sort >"$work/got"
	awk '{ print $3 }' "$here/packages.lock" | sort >"$work/want"
	cmp -s "$work/got" "$work/want" || { echo "build.sh: a package is not the locked one" >&2; exit 1; }
	for package in *.deb; do dpkg-deb -x "$package" "$root"; done
}

# strip leaves what runs: no documents, no tests, no sources to build from, no other program than Python.
strip() {
	cd "$root"
	rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/lintian usr/share/bug usr/share/python* usr/share/applications \
		usr/share/pixmaps usr/share/binfmts usr/share/gdb usr/include usr/sbin sbin etc var \
		usr/lib/x86_64-linux-gnu/gconv usr/lib/x86_64-linux-gnu/audit usr/share/zoneinfo/posix usr/share/zoneinfo/right
	find usr/bin -mindepth 1 ! -name python3.11 -delete
	cd "$root/usr/lib/python3.11"
	rm -rf ensurepip idlelib lib2to3 pydoc_data turtledemo turtle.py test config-* EXTERNALLY-MANAGED
	cd "$packages"
	find . -depth -type d -name tests -exec rm -rf {} +
	find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.h' -o -name '*.c' -o -name '*.cpp' -o -name '*.a' \
		-o -name '*.f' -o -name '*.f90' -o -name '*.tp' -o -name '*.tempita' -o -name '*.in' \) -delete
	find statsmodels -type f -name '*.csv' -delete
	find sklearn/datasets -type f \( -name '*.csv' -o -name '*.gz' -o -name '*.jpg' \) -delete
}

# place does what the packages' scripts would have done, and adds our module.
place() {
	cd "$root"
	mkdir -p dev etc in out proc sys tmp
	ln -s blas/libblas.so.3 usr/lib/x86_64-linux-gnu/libblas.so.3
	ln -s lapack/liblapack.so.3 usr/lib/x86_64-linux-gnu/liblapack.so.3
	ln -sf python3.11 usr/bin/python3
	cp "$here/sluice.py" "$packages/sluice.py"
	# Compiled once, and never compared with a file's time: a job starts without writing.
	chroot "$root" /usr/bin/python3.11 -I -B -m compileall -q -j1 --invalidation-mode unchecked-hash \
		/usr/lib/python3.11 /usr/lib/python3/dist-packages >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	chmod -R a+rX,u+w,go-w,a-st .
}

# pack writes the layer, the configuration whose digest is the image's, and the archive an engine loads.
pack() {
	cd "$work"
	mkdir image
	tar --create --file image/layer.tar --directory root --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu .
	layer=$(sha256sum image/layer.tar | cut -d' ' -f1)
	printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Labels":{"sluice.image":"python"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"sluice"}]}' \
		"$layer" >config.json
	digest=$(sha256sum config.json | cut -d' ' -f1)
	mv config.json "image/$digest.json"
	printf '[{"Config":"%s.json","Layers":["layer.tar"]}]' "$digest" >image/manifest.json
	tar --create --file image.tar --directory image --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu .
}

# bill writes the bill of materials (SPDX 2.3): the locked packages, and the image they make.
bill() {
	awk -v digest="$digest" '
		BEGIN {
			printf "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\"name\":\"sluice-python\","
			printf "\"documentNamespace\":\"https://sluicedata.github.io/spdx/python-%s\",", digest
			printf "\"creationInfo\":{\"created\":\"1970-01-01T00:00:00Z\",\"creators\":[\"Tool: sluice-build-image\"]},\"packages\":["
			printf "{\"SPDXID\":\"SPDXRef-image\",\"name\":\"sluice-python\",\"versionInfo\":\"sha256:%s\",\"downloadLocation\":\"NOASSERTION\"}", digest
		}
		{
			id = $1; gsub(/[^A-Za-z0-9.-]/, "-", id)
			printf ",{\"SPDXID\":\"SPDXRef-%s\",\"name\":\"%s\",\"versionInfo\":\"%s\",\"downloadLocation\":\"NOASSERTION\",", id, $1, $2
			printf "\"supplier\":\"Organization: Debian\",\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"%s\"}],", $3
			version = $2; gsub(/:/, "%3A", version); gsub(/\+/, "%2B", version)
			printf "\"externalRefs\":[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:deb/debian/%s@%s?arch=amd64\"}]}", $1, version
			list = list sprintf(",{\"spdxElementId\":\"SPDXRef-image\",\"relationshipType\":\"CONTAINS\",\"relatedSpdxElement\":\"SPDXRef-%s\"}", id)
		}
		END {
			printf "],\"relationships\":[{\"spdxElementId\":\"SPDXRef-DOCUMENT\",\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":\"SPDXRef-image\"}%s]}\n", list
		}' "$here/packages.lock" >"$work/bill.json"
}

fetch
strip
place
pack
bill
if [ "${2:-}" = pin ]; then
	printf '%s\n' "$digest" >"$here/digest"
	sha256sum "$work/bill.json" | cut -d' ' -f1 >"$here/sbom"
elif [ "$digest" != "$pinned" ]; then
	echo "build.sh: built sha256:$digest, pinned is sha256:$pinned" >&2
	exit 1
fi
install -d -m 0755 "$into"
install -m 0644 "$work/bill.json" "$into/sha256-$digest.spdx.json"
install -m 0644 "$work/image.tar" "$into/.sha256-$digest.tar"
mv "$into/.sha256-$digest.tar" "$into/sha256-$digest.tar"
