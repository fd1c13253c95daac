/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the camera can see of one string player at one instant: the link
 * between the performance (avm-ensemble.h) and the picture (avm-stage.h).
 * Lengths are px at a frame height of 1080; the stage scales them.
 */

#ifndef AVM_POSE_H
#define AVM_POSE_H

#include "base/avm-common.h"

typedef enum {
  AVM_INSTRUMENT_VIOLIN = 0,
  AVM_INSTRUMENT_VIOLA,
  AVM_INSTRUMENT_CELLO,
  AVM_INSTRUMENT_BASS
} AvmInstrument;

typedef struct {
  AvmInstrument instrument;
  bool playing;          /* the bow is on the string */
  double bow;            /* contact point along the bow, 0 frog .. 1 tip */
  double string;         /* 0 lowest .. 3 highest; bow tilt follows */
  double neck;           /* left hand along the neck, 0 nut .. 1 octave */
  double roll;           /* vibrato: hand off its place along the neck, px */
  double sway_x, sway_y; /* body off its place, px */
  double head;           /* head tilt, rad */
  double finger;         /* 0..1, which finger is down: small shape change */
} AvmPose;

#endif /* AVM_POSE_H */
