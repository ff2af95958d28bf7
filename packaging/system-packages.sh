#!/bin/sh
# System packages for `make demo` and `make test`: installed when root on Debian or Ubuntu,
# otherwise named, with the command that gets them. Never fails: the program goes on with what
# there is (virtual/host instead of QEMU, the compiler from PyPI), the tests say what they miss.
#
# usage: system-packages.sh demo|test
set -u

packages="qemu-system-arm libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0
  libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libegl1 libgl1 libdbus-1-3
  fonts-dejavu-core"
if [ "${1:-demo}" = test ]; then
  packages="$packages xvfb xauth gcc libc6-dev gcc-arm-none-eabi libnewlib-arm-none-eabi"
fi

if ! command -v dpkg-query >/dev/null 2>&1; then
  for program in qemu-system-arm arm-none-eabi-gcc; do
    command -v "$program" >/dev/null 2>&1 ||
      echo "$program is not installed: get it from your system's packages; going on without it."
  done
  exit 0
fi

missing=
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
  echo "Installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of words
  if apt-get update -qq && apt-get install -qq --no-install-recommends $missing >/dev/null; then
    exit 0
  fi
  echo "apt-get could not install them; going on without."
else
  echo "Not installed:$missing"
  echo "To get them:   sudo apt-get install$missing"
  echo "Going on without."
fi
exit 0
