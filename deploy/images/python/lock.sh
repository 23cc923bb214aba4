#!/bin/sh
# Writes packages.lock anew from what the distribution offers today: package, version and SHA-256 of its file, a line
# each. The digest of the image changes with it: build, approve and name the new one.
#
# The list is what Python, pandas, numpy, statsmodels and scikit-learn need to run, and no more: no shell, no package
# manager, no compiler, none of the tools a build of scipy would want.
set -eu
cd "$(dirname "$0")"

WANTED="libc6 libgcc-s1 libstdc++6 libgomp1 libgfortran5 libquadmath0 zlib1g libbz2-1.0 liblzma5 libexpat1 libffi8 libssl3
libmpdec3 libuuid1 libblas3 liblapack3 liblbfgsb0 tzdata
python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
python3-numpy python3-scipy python3-pandas-lib python3-pandas python3-dateutil python3-six python3-tz python3-patsy
python3-packaging python3-decorator python3-joblib python3-threadpoolctl python3-sklearn-lib python3-sklearn
python3-statsmodels-lib python3-statsmodels"

for package in $WANTED; do
	apt-cache show --no-all-versions "$package" | awk '
		/^Package: / { package = $2 } /^Version: / { version = $2 } /^SHA256: / { print package, version, $2; exit }'
done | LC_ALL=C sort >packages.lock
