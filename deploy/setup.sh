#!/bin/sh
# Installs what Sluice needs to be built and started on one Debian machine. Run it by `make setup`; add the
# word "test" (`make setup-test`) for what the tests need besides, "bench" (`make bench`) for what is measured against,
# "python" (`make image-python`) for the image that Python jobs run in.
#
# It is idempotent: what is there already is left alone, and when nothing is missing it says nothing. It
# changes the system as root on Debian only; anyone else is shown the exact commands.
set -eu

RUNSC_VERSION=v0.0.0-20260905035102-160fafc42237
RUNSC_FILTER=644479ec9015 # begins the digest of deploy/gvisor/filter.go.txt
RUNSC_DIR=/usr/local/lib/sluice
USERS="sluice-postgres sluice-store sluice-serve sluice-worker sluice-keeper"
# May open the database's socket; everyone else does not even reach its password question.
PARTS_GROUP=sluice-parts
PARTS_USERS="sluice-serve sluice-worker sluice-keeper"
# postgresql: the server's programs. docker.io: the engine. e2fsprogs: output images. g++: the C++ library DuckDB is linked
# with. The rest builds.
PACKAGES="postgresql docker.io e2fsprogs gcc g++ libc6-dev make git ca-certificates"

repository=$(cd "$(dirname "$0")/.." && pwd)
PATH="$PATH:/usr/sbin:/sbin:/usr/local/go/bin"
export PATH DEBIAN_FRONTEND=noninteractive

fail() {
	echo "setup: $1" >&2
	exit 1
}

# may_apply says whether this machine and this user are ones we change things for.
may_apply() {
	[ "$(id -u)" = 0 ] || { why="not root"; return 1; }
	[ -r /etc/os-release ] || { why="not Debian"; return 1; }
	(. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-0}" -ge 12 ]) || { why="not Debian 12 or later"; return 1; }
}

# step WHAT COMMAND does the command, or shows it.
step() {
	missing=$((missing + 1))
	if [ -n "$why" ]; then
		printf '  %s\n' "$2"
		return
	fi
	echo "setup: $1"
	log=$(mktemp)
	if ! sh -euc "$2" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		fail "could not $1; the command was: $2"
	fi
	rm -f "$log"
}

packages() {
	wanted=""
	for package in $PACKAGES; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || wanted="$wanted $package"
	done
	[ -n "$wanted" ] || return 0
	case "$wanted" in *postgresql*)
		# Sluice runs a server of its own; the distribution need not make and start one.
		step "keep the distribution from starting a database of its own" \
			"mkdir -p /etc/postgresql-common/createcluster.d && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/sluice.conf" ;;
	esac
	step "install the packages$wanted" "apt-get update -q && apt-get install -q -y --no-install-recommends$wanted"
}

accounts() {
	for user in $USERS; do
		getent passwd "$user" >/dev/null || step "make the system user $user" \
			"useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin $user"
	done
	getent group "$PARTS_GROUP" >/dev/null || step "make the system group $PARTS_GROUP" "groupadd --system $PARTS_GROUP"
	for user in $PARTS_USERS; do
		id -nG "$user" 2>/dev/null | tr ' ' '\n' | grep -qx "$PARTS_GROUP" ||
			step "let $user reach the database's and the store's socket" "usermod --append --groups $PARTS_GROUP $user"
	done
}

# gvisor builds runsc from its Go module, with the filter it was given.
gvisor() {
	if "$RUNSC_DIR/runsc" --version 2>/dev/null | grep -q "^runsc version $RUNSC_VERSION-$RUNSC_FILTER$"; then
		return
	fi
	step "build gVisor's runsc $RUNSC_VERSION (a few minutes)" "sh $repository/deploy/gvisor/build.sh $RUNSC_DIR $RUNSC_VERSION"
}

# linter builds the pinned golangci-lint of deploy/tools; it needs no root.
linter() {
	wanted=$(sed -n 's|.*github.com/golangci/golangci-lint/v2 \(v[^ ]*\).*|\1|p' "$repository/deploy/tools/go.mod")
	binary="$repository/build/tools/golangci-lint"
	if go version -m "$binary" 2>/dev/null | grep -q "golangci/golangci-lint/v2[[:space:]]$wanted"; then
		return
	fi
	echo "setup: building golangci-lint $wanted (about two minutes)"
	mkdir -p "$repository/build/tools"
	cd "$repository/deploy/tools" && GOFLAGS=-mod=readonly go build -o "$binary" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
}

# peer builds the OPA server that `make bench` measures against, of the version the rules are linked with.
peer() {
	wanted=$(sed -n 's|.*github.com/open-policy-agent/opa \(v[^ ]*\).*|\1|p' "$repository/go.mod")
	tools="$repository/build/tools"
	if go version -m "$tools/opa" 2>/dev/null | grep -q "open-policy-agent/opa[[:space:]]$wanted"; then
		return
	fi
	echo "setup: building OPA $wanted (about two minutes)"
	mkdir -p "$tools"
	GOFLAGS= CGO_ENABLED=0 GOBIN="$tools" go install "github.com/open-policy-agent/opa@$wanted"
}

# pythonImage builds the image of Python jobs from the distribution's packages; it is never built again while its digest
# is there.
pythonImage() {
	digest=$(cat "$repository/deploy/images/python/digest")
	[ -e "$RUNSC_DIR/images/sha256-$digest.tar" ] && [ -e "$RUNSC_DIR/images/sha256-$digest.spdx.json" ] && return
	step "build the image of Python jobs (about a minute)" "sh $repository/deploy/images/python/build.sh $RUNSC_DIR/images"
}

# The tests run the Python client, break system calls by strace, walk through the console in a browser that can write
# Chinese, and print a certificate by poppler.
[ "${1:-}" != test ] || PACKAGES="$PACKAGES python3 strace chromium fonts-noto-cjk poppler-utils"

command -v go >/dev/null || fail "Go 1.26 or later is needed and is not in PATH: see https://go.dev/dl/"

missing=0
why=""
may_apply || true
if [ -n "$why" ]; then
	plan=$(packages; accounts; gvisor; [ "${1:-}" != test ] && [ "${1:-}" != python ] || pythonImage)
	if [ -n "$plan" ]; then
		echo "setup: cannot change this system ($why). As root on Debian 12, run:" >&2
		printf '%s\n' "$plan" >&2
		exit 1
	fi
else
	packages
	accounts
	gvisor
	[ "${1:-}" != test ] && [ "${1:-}" != python ] || pythonImage
fi
case "${1:-}" in
test) linter ;;
bench) peer ;;
esac
