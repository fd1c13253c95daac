/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vibrato of notes from the motion of the left hand, from the pitch contour,
 * or from both. After B. Li, K. Dinesh, G. Sharma, Z. Duan, "Video-based
 * vibrato detection and analysis for polyphonic string music", ISMIR 2017:
 * the motion of the hand less its moving average, its first principal
 * component over the whole track, the displacement along it cut by the
 * aligned notes, the autocorrelation or a support vector machine per note,
 * the rate from the interpolated autocorrelation, and the extent by least
 * squares of the displacement against the pitch contour.
 *
 * Where a measured error was smaller, the step differs from the paper, and
 * the comment of the function says how.
 *
 * Times are seconds, rates Hz, displacements px, pitch cents above MIDI 0
 * (6900 is A4), extents cents from peak to trough. NaN means "not known".
 */

#ifndef AVM_VIBRATO_H
#define AVM_VIBRATO_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest stretch of a note that is looked at, s: of longer notes the middle
 * counts. Bounds the work per note. */
#define AVM_VIBRATO_MAX_SPAN 10.0

typedef struct {
  double moving_average;     /* s, > 0; removed from the motion */
  double min_rate, max_rate; /* Hz, 0.5 <= min < max <= 14 */
  double max_lag;            /* s, >= 0; motion against sound */
  double min_duration;       /* s, >= 0; shorter notes stay undecided */
} AvmVibratoSettings;

/* The paper's: 10 frames at 29.97 fps, 3 to 9 Hz; 60 ms, 0.15 s. */
void avm_vibrato_settings_init (AvmVibratoSettings *settings);

/* -- motion of one region ------------------------------------------------ */

typedef struct _AvmVibratoTrack AvmVibratoTrack;

AvmVibratoTrack *avm_vibrato_track_new (void);
void avm_vibrato_track_free (AvmVibratoTrack *track);
void avm_vibrato_track_clear (AvmVibratoTrack *track);

/* One row of motion, 24 bytes: the mean velocity (px/s) over a frame interval
 * whose middle is `time`. NaN velocities or confidence <= 0 (of 0..1) are
 * gaps. Rows that do not come later than the one before are ignored. False:
 * out of memory. */
bool avm_vibrato_track_add (AvmVibratoTrack *track, double time, double vx,
    double vy, double confidence);
size_t avm_vibrato_track_rows (const AvmVibratoTrack *track);

/* Brings the rows to a regular grid (the median frame interval; irregular
 * frame times are interpolated, gaps of up to three intervals filled), takes
 * the moving average away and finds the principal axis of what is left over
 * the whole track. Velocities beyond five times the median speed are held
 * back from the axis: a hand that changes position, a lost region.
 * AVM_ERROR_EMPTY: fewer than eight rows that are known. */
bool avm_vibrato_track_analyse (AvmVibratoTrack *track,
    const AvmVibratoSettings *settings, AvmError *error);

/* Unit vector of the axis (x >= 0) and the share of the variance along it,
 * 0.5..1. Only after avm_vibrato_track_analyse returned true. */
void avm_vibrato_track_get_axis (
    const AvmVibratoTrack *track, double *ex, double *ey, double *share);

/* The grid: time of the first row, interval (s), number of rows, refined
 * velocity along the axis (px/s) and the displacement curve X (px): the sum of
 * the refined velocity, again less its moving average so that it cannot
 * drift. X[i] stands at first + (i + 0.5) * interval, the end of the frame
 * interval of row i. Owned by the track. */
size_t avm_vibrato_track_get_curve (const AvmVibratoTrack *track, double *first,
    double *interval, const float **velocity, const float **displacement);
/* Of the same rows: 1 where the motion is known, 0 where it was filled in.
 * Only after avm_vibrato_track_analyse returned true. */
const float *avm_vibrato_track_get_known (const AvmVibratoTrack *track);

/* -- pitch contour of one part ------------------------------------------- */

typedef struct _AvmVibratoContour AvmVibratoContour;

AvmVibratoContour *avm_vibrato_contour_new (void);
void avm_vibrato_contour_free (AvmVibratoContour *contour);
void avm_vibrato_contour_clear (AvmVibratoContour *contour);

/* One point of the contour, 16 bytes. hz <= 0 or NaN: no pitch here.
 * confidence 0..1 is its weight. Ascending times; others are ignored.
 * False: out of memory. */
bool avm_vibrato_contour_add (
    AvmVibratoContour *contour, double time, double hz, double confidence);
size_t avm_vibrato_contour_points (const AvmVibratoContour *contour);

/* -- one note ------------------------------------------------------------ */

/* What a result was drawn from; bits */
typedef enum {
  AVM_VIBRATO_NONE = 0,
  AVM_VIBRATO_AUDIO = 1,
  AVM_VIBRATO_VIDEO = 2,
  AVM_VIBRATO_BOTH = 3
} AvmVibratoUsed;

/* Features of one note: those of the paper (four zero crossing rates, two
 * band energies, two counts of maxima) and ours, for each modality, and what
 * only the pair has. avm_vibrato_note_features picks those of one `used`. */
#define AVM_VIBRATO_VIDEO_FEATURES 14
#define AVM_VIBRATO_AUDIO_FEATURES 8
#define AVM_VIBRATO_PAIR_FEATURES 4
#define AVM_VIBRATO_MAX_FEATURES                                               \
  (AVM_VIBRATO_VIDEO_FEATURES + AVM_VIBRATO_AUDIO_FEATURES                     \
      + AVM_VIBRATO_PAIR_FEATURES)

typedef struct {
  AvmVibratoUsed used;
  double acf;       /* height of the autocorrelation peak, -1..1 */
  double acf_rate;  /* Hz, its interpolated lag; NaN: no peak */
  double rate;      /* Hz, least squares; NaN: nothing used */
  double extent;    /* cents peak to trough; NaN without pitch */
  double amplitude; /* px peak to trough; NaN without motion */
  double pitch;     /* cents above MIDI 0; NaN without pitch */
  double lag;       /* s, the motion leads the pitch; NaN unless both */
  double coherence; /* of displacement and pitch, 0..1, or NaN */
} AvmVibratoResult;

typedef struct _AvmVibratoNote AvmVibratoNote;

AvmVibratoNote *avm_vibrato_note_new (void);
void avm_vibrato_note_free (AvmVibratoNote *note);

/* Analyses [onset, onset + duration). track and contour may be NULL; the
 * track must have been analysed. A modality is used when it is known for most
 * of the note. False: out of memory, or values that are not finite.
 *
 * Against the paper: the displacement of a note is the sum of its own raw
 * velocities along the axis, and what is slower than vibrato is fitted and
 * taken away together with the sinusoid instead of by the moving average,
 * through which a change of position beside the note would leak into it. The
 * rate maximises the likelihood of one sinusoid in all modalities used, each
 * with its own unknown noise; acf_rate is the paper's. The extent follows its
 * equation (1), pitch in step with displacement, on local fits at that rate
 * with the lag fitted within settings->max_lag, so that noise of the
 * displacement does not flatten it; it is the median where the vibrato is
 * fully there.
 */
bool avm_vibrato_note_analyse (AvmVibratoNote *note,
    const AvmVibratoSettings *settings, const AvmVibratoTrack *track,
    const AvmVibratoContour *contour, double onset, double duration,
    AvmVibratoResult *result);

/* Features of the note analysed last, for one set that is contained in its
 * `used`; returns how many were written (at most AVM_VIBRATO_MAX_FEATURES),
 * 0 when that set is not there. */
size_t avm_vibrato_note_features (
    const AvmVibratoNote *note, AvmVibratoUsed used, double *features);

/* Curves of the note analysed last, 100 Hz from *first on: displacement (px)
 * and pitch (cents against the mean), both less their drift; NaN where not
 * known. Either pointer may be NULL. Owned by the note. */
#define AVM_VIBRATO_CURVE_RATE 100.0
size_t avm_vibrato_note_curves (const AvmVibratoNote *note, double *first,
    const double **displacement, const double **pitch);
/* The direction of the axis is arbitrary: 1 where the displacement of the note
 * analysed last goes with its pitch, -1 where it goes against it. */
int avm_vibrato_note_sign (const AvmVibratoNote *note);

#ifdef __cplusplus
}
#endif
#endif /* AVM_VIBRATO_H */
