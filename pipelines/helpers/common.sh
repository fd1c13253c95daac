# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by the jobs: messages, and where the elements are found.
# shellcheck shell=bash

# The messages are where GST_AVM_LOCALEDIR says, in the build directory, or
# where avm is installed.
find_messages() {
  local source folder
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  for folder in "${GST_AVM_LOCALEDIR:-}" "${AVM_BUILD:-$source/build}/po" \
    "$(pkg-config --variable=prefix gstreamer-avm-1.0 2>/dev/null)/share/locale" \
    /usr/local/share/locale /usr/share/locale; do
    if compgen -G "$folder/*/LC_MESSAGES/gst-avm-1.0.mo" >/dev/null; then
      export TEXTDOMAINDIR=$folder
      return
    fi
  done
}

export TEXTDOMAIN=gst-avm-1.0
command -v gettext >/dev/null 2>&1 || gettext() { printf '%s' "$1"; }
find_messages

# say FORMAT [ARGUMENT...]: a line on the terminal
say() {
  # shellcheck disable=SC2059
  printf "$@"
  printf '\n'
}

# die FORMAT [ARGUMENT...]: an error, and the end
die() {
  {
    printf '%s: ' "$(basename "$0")"
    say "$@"
  } >&2
  exit 1
}

# need_file PATH
need_file() {
  [ -f "$1" ] || die "$(gettext 'There is no file "%s".')" "$1"
  [ -r "$1" ] || die "$(gettext 'The file "%s" cannot be read: you have no permission.')" "$1"
}

# Without a version gst-inspect-1.0 asks for GStreamer's own.
has_element() {
  gst-inspect-1.0 --exists --atleast-version=0.0 "$1"
}

# The elements of an installed avm, or else those of a build directory beside
# the sources: AVM_BUILD, or build/.
find_elements() {
  local source build
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  build=${AVM_BUILD:-$source/build}
  if [ -d "$build/gst" ] \
    && { [ -n "${AVM_BUILD:-}" ] || ! has_element avmvibrato; }; then
    build=$(cd "$build" && pwd)
    export GST_PLUGIN_PATH_1_0="$build/gst${GST_PLUGIN_PATH_1_0:+:$GST_PLUGIN_PATH_1_0}"
    export LD_LIBRARY_PATH="$build/gst-libs/gst/avm${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export GI_TYPELIB_PATH="$build/gst-libs/gst/avm${GI_TYPELIB_PATH:+:$GI_TYPELIB_PATH}"
    export AVM_DATADIR="$source/data"
    export GST_AVM_LOCALEDIR="${GST_AVM_LOCALEDIR:-$build/po}"
  fi
  for element in "$@"; do
    has_element "$element" || die "$(gettext \
      'The element "%s" is missing. Build avm with "meson setup build && meson compile -C build", and install GStreamer'\''s plugins with "scripts/install-deps run".')" \
      "$element"
  done
}

# run GRAPH: prints the launch line, to be copied, and runs it (helpers/launch
# says why not with gst-launch-1.0 itself). An interrupt ends the streams, so
# that what was computed is written; the status is 130 then.
run() {
  printf '\n$ gst-launch-1.0 -q -e %s\n\n' \
    "$(printf '%s' "$1" | sed '$!s/$/ \\/')"
  eval "\"\$here/helpers/launch\" $(printf '%s' "$1" | tr '\n' ' ')"
}
