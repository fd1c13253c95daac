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

q() { printf '%q' "$1"; }

# check_picture FILE: it is a film, at least a silent one
check_picture() {
  local tracks
  need_file "$1"
  tracks=$("$here/helpers/media-info" "$1") \
    || die "$(gettext 'The file "%s" is no film that GStreamer can read.')" "$1"
  case "$tracks" in
    *video*) ;;
    *) die "$(gettext 'The file "%s" has no video track. Give the film, not only its sound.')" \
        "$1" ;;
  esac
}

has_audio() {
  "$here/helpers/media-info" "$1" | grep -q '^audio'
}

# check_film PERFORMANCE SCORE: both are there, with picture and sound
check_film() {
  need_file "$1"
  need_file "$2"
  check_picture "$1"
  has_audio "$1" \
    || die "$(gettext 'The file "%s" has no audio track. The score is aligned to the sound, so the film must have it.')" \
      "$1"
}

# check_regions FILE: every line is a region
check_regions() {
  local problem
  need_file "$1"
  problem=$(awk '
    /^[ \t]*(#|$)/ { next }
    { n++ }
    NF < 6 || NF > 7 { print NR ": " $0; exit }
    { for (i = 1; i <= NF; i++)
        if (i != 2 && $i !~ /^-?[0-9]+(\.[0-9]*)?$/) { print NR ": " $0; exit } }
    END { if (!n) print "none" }' "$1")
  [ "$problem" != none ] || die "$(gettext 'The regions file "%s" has no region. Give each hand a line "id role x y w h [part]".')" \
    "$1"
  [ -z "$problem" ] || die "$(gettext 'In the regions file "%s", line %s
is not "id role x y w h [part]".')" "$1" "$problem"
}

# regions_have_parts FILE: a person said who plays what
regions_have_parts() {
  awk '/^[ \t]*(#|$)/ { next } NF < 7 || $7 < 0 { exit 1 }' "$1"
}

# find_players PERFORMANCE FILE [PLAYERS]: writes the regions of the players
# that avmplayers finds
find_players() {
  "$here/helpers/find-players" "$1" "$2" --players "${3:-0}"
  case $? in
    0) ;;
    4) die "$(gettext 'No players were found in "%s": nothing in it moves as a player does. Run the job with --mark and give their places yourself.')" \
        "$1" ;;
    *) die "$(gettext 'The players could not be found; the lines above say why.')" ;;
  esac
}

# mark_regions JOB OUTPUT PERFORMANCE SCORE: writes the first frame with a
# grid, says how to write the regions, and ends with status 3
mark_regions() {
  "$here/helpers/first-frame" "$3" "$2/first-frame.png" \
    || die "$(gettext 'The first frame of "%s" cannot be decoded.')" "$3"
  cat <<END

$(gettext "Where are the players' left hands? The first frame is in")

    $2/first-frame.png

$(gettext 'with a pixel grid. Write one line per hand into a text file, for example
regions.txt: an id of your choice, the role "hand", the left edge, the top
edge, the width and the height of a box around the hand in pixels, and the
part of the score that this player plays (0 is the first). Without the part it
is found from motion and sound:

    # id role x y w h [part]
    201 hand 640.5 300 47 47 0
    202 hand 905 312 47 47 1

A box just around the hand is best; it may be a little larger. Bowing hands
can be given likewise, with the role "bow" and 100 added to the id of the same
player. Then run')

    pipelines/$1 -o $2 $3 $4 regions.txt
END
  exit 3
}
