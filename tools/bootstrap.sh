#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make a venv with ROS 2 wheels, of Kilted or with ROS=jazzy of Jazzy, and the package's install space
# in .colcon/install. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
ROS=${ROS:-kilted}

say() { echo "bootstrap: $*" >&2; }

[ -e "tools/ros-$ROS.txt" ] || { say "ROS=$ROS; expected kilted or jazzy"; exit 2; }

# cmake to make: build; libgl1, libx11-6: pyk4a; the rest: offscreen rendering of clips.
needed=(cmake g++ gcc make libgl1 libx11-6 libegl1 libegl-mesa0 libgl1-mesa-dri)
"$PYTHON" - <<'PY' || needed+=(python3-venv python3-dev)
import ensurepip, os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))
PY
missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${needed[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
fi
if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  [ "$(id -u)" = 0 ] || { say "packages are missing; run: sudo $install"; exit 1; }
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
fi

pins=(tools/requirements.txt "tools/ros-$ROS.txt" tools/constraints.txt)
key=$( { cat "${pins[@]}" tools/bootstrap.sh; "$PYTHON" -VV; } |
  sha256sum | cut -c1-12)
# Not inside the checkout: CMake refuses to export include folders (numpy's) below the source folder.
VENV=${AFFORDANCE_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/affordance_seg_ros/venv-$key}
mkdir -p .colcon "$(dirname "$VENV")"
exec 9>"$VENV.lock"; flock 9
echo "$VENV" > .colcon/venv
if [ "$(cat "$VENV/.ready" 2>/dev/null)" != "$key" ]; then
  say "installing Python packages into $VENV (a few minutes)"
  rm -f "$VENV/.ready"
  [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input -q \
    -r "${pins[0]}" -r "${pins[1]}" -c "${pins[2]}"
  # The wheels' CMake files name the include folders of the machine that built them.
  inc=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
  np=$("$VENV/bin/python" -c 'import numpy; print(numpy.get_include())')
  grep -rlZ --include='*.cmake' /opt/python/cp3 "$VENV/share" | xargs -0 -r sed -i -E \
    -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+/lib/python3\.[0-9]+/site-packages/numpy/_core/include#$np#g" \
    -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+/include/python3\.[0-9]+#$inc#g"
  echo "$key" > "$VENV/.ready"
fi

# Python files are symlinked: only the build files and the list of files matter.
build=$( { cat CMakeLists.txt package.xml msg/*.msg; echo "$VENV"; pwd; } | sha256sum)
files=$( { echo "$build"; cat setup.cfg; find affordance_seg_ros training launch config \
  -name __pycache__ -prune -o -type f -print | LC_ALL=C sort; } | sha256sum)
if [ "$(cat .colcon/built 2>/dev/null)" != "$files" ] || [ ! -e .colcon/install/setup.bash ]; then
  say "building with colcon"
  rm -rf .colcon/built .colcon/install   # install() never removes what is gone from the source
  [ "$(cat .colcon/build/key 2>/dev/null)" = "$build" ] || rm -rf .colcon/build
  . tools/env.sh
  colcon --log-base .colcon/log build --base-paths . --build-base .colcon/build \
    --install-base .colcon/install --symlink-install --event-handlers console_direct- ||
    { say "the build failed: see .colcon/log/latest"; exit 1; }
  echo "$build" > .colcon/build/key
  echo "$files" > .colcon/built
fi
