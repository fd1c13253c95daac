/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The decision, one musician after the other: motion gives log odds at every
 * step of a grid; without a part said, the one whose sounding goes best with
 * poses and motion is taken; the chain is run on score and motion alone, and
 * what it says teaches the poses; then it is run on everything.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-playing-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Log odds come as if a new independent look were taken this often, s */
#define POSE_LOOK 1.5
#define MOTION_LOOK 1.0
/* Sightings of one pose that are closer count as a part of one */
#define TEACH_LOOK 3.0
/* Looks that a pose of which nothing is known is given */
#define PRIOR_LOOKS 2.0
/* How many looks a person's word is worth, and how sure it is */
#define LABEL_LOOKS 20.0
#define LABEL_SURE 0.95
/* Greatest log odds of a pose */
#define MAX_POSE_ODDS 3.0
/* Who is ready soon plays or rests, s */
#define READY_DURATION 1.8
/* Of those who are ready and see no score, how many play next */
#define READY_PLAYS 0.6
/* Against the score: to begin late in an entry or play on after its end takes
 * the time of so many usual durations; who still plays in a rest stops soon,
 * s, and begins there seldom, s */
#define LATE 15.0
#define STOPS 0.5
#define BEGINS 100.0
/* Share of the musicians who play on after the end */
#define GOES_ON 0.03
/* Least log odds of a part against no relation at all, and share of it among
 * all parts, for it to be taken */
#define LEAST_PART_ODDS 1.0
#define LEAST_PART_SHARE 0.5
/* Share of the time in which a part sounds when a pose of playing is seen */
#define PURE 0.85
/* s, distance of looks at motion in the search for the part */
#define PART_STEP 0.25

enum {
  PLAYS,
  READY,
  RESTS,
  N_STATES
};

/* What the score says at a step */
enum {
  NO_SCORE,
  SOUNDS,
  SILENT,
  BEGINS_NOW,
  ENDS_NOW,
  N_SIGNS
};

typedef struct {
  const AvmPlaying *playing;
  double start, end;
  size_t n;           /* steps */
  float *motion;      /* log odds at each step */
  float *pose;        /* log odds */
  float *probability; /* that the musician plays */
  float (*forward)[N_STATES];
  int16_t *shown; /* pose, -1 not seen */
  uint8_t *used;  /* bits of AvmPlayingWay */
  uint8_t *sign;
  double moves[N_SIGNS][N_STATES][N_STATES]; /* from, to */
} Chain;

static void
chain_free (Chain *c)
{
  avm_free (c->motion);
  avm_free (c->pose);
  avm_free (c->probability);
  avm_free (c->forward);
  avm_free (c->shown);
  avm_free (c->used);
  avm_free (c->sign);
}

/* Stays in each state but for what goes elsewhere */
static void
complete_moves (double moves[N_STATES][N_STATES])
{
  for (int i = 0; i < N_STATES; i++) {
    double leaves = 0.0;

    for (int k = 0; k < N_STATES; k++)
      leaves += k != i ? moves[i][k] : 0.0;
    if (leaves > 0.9) {
      for (int k = 0; k < N_STATES; k++)
        moves[i][k] *= 0.9 / leaves;
      leaves = 0.9;
    }
    moves[i][i] = 1.0 - leaves;
  }
}

static void
make_moves (Chain *c)
{
  const AvmPlayingSettings *s = &c->playing->settings;
  const double dt = AVM_PLAYING_GRID;
  double all = AVM_CLAMP (1.0 - s->absence, 0.5, 1.0 - 1e-3);
  double (*m)[N_STATES][N_STATES] = c->moves;

  m[NO_SCORE][PLAYS][READY] = dt / s->play_duration;
  m[NO_SCORE][READY][PLAYS] = dt / READY_DURATION * READY_PLAYS;
  m[NO_SCORE][READY][RESTS] = dt / READY_DURATION * (1.0 - READY_PLAYS);
  m[NO_SCORE][RESTS][READY] = dt / s->rest_duration;

  m[SOUNDS][PLAYS][READY] = dt / (LATE * s->play_duration);
  m[SOUNDS][READY][PLAYS] = dt / (LATE * s->play_duration);
  m[SOUNDS][READY][RESTS] = dt / READY_DURATION;
  m[SOUNDS][RESTS][READY] = dt / s->rest_duration;

  m[SILENT][PLAYS][READY] = dt / STOPS;
  m[SILENT][READY][PLAYS] = dt / BEGINS;
  m[SILENT][READY][RESTS] = dt / READY_DURATION;
  m[SILENT][RESTS][READY] = dt / s->rest_duration;

  for (int i = READY; i <= RESTS; i++)
    m[BEGINS_NOW][i][PLAYS] = all;
  m[ENDS_NOW][PLAYS][READY] = 1.0 - GOES_ON;
  for (int i = 0; i < BEGINS_NOW; i++)
    complete_moves (m[i]);
  for (int k = 0; k < N_STATES; k++) {
    m[BEGINS_NOW][k][k] = k == PLAYS ? 1.0 : 1.0 - all;
    m[ENDS_NOW][k][k] = k == PLAYS ? GOES_ON : 1.0;
  }
}

static bool
chain_init (Chain *c, const AvmPlaying *playing, double start, double end)
{
  double steps = ceil ((end - start) / AVM_PLAYING_GRID - 1e-9);

  memset (c, 0, sizeof (*c));
  if (!(steps < (double)(SIZE_MAX / 64)))
    return false;
  c->playing = playing;
  c->start = start;
  c->end = end;
  c->n = (size_t)steps;
  c->motion = avm_alloc (c->n, sizeof (float));
  c->pose = avm_alloc (c->n, sizeof (float));
  c->probability = avm_alloc (c->n, sizeof (float));
  c->forward = avm_alloc (c->n, sizeof (float[N_STATES]));
  c->shown = avm_alloc (c->n, sizeof (int16_t));
  c->used = avm_alloc (c->n, sizeof (uint8_t));
  c->sign = avm_alloc (c->n, sizeof (uint8_t));
  make_moves (c);
  return c->motion != NULL && c->pose != NULL && c->probability != NULL
      && c->forward != NULL && c->shown != NULL && c->used != NULL
      && c->sign != NULL;
}

/* The step whose middle is not before the time, 0 .. n */
static size_t
step_of (const Chain *c, double time)
{
  double step = ceil ((time - c->start) / AVM_PLAYING_GRID - 0.5);

  return step <= 0.0 ? 0 : step >= (double)c->n ? c->n : (size_t)step;
}

static double
time_of (const Chain *c, size_t step)
{
  return step == c->n ? c->end : c->start + (double)step * AVM_PLAYING_GRID;
}

static double
logit (double p)
{
  return log (p / (1.0 - p));
}

static double
logistic (double x)
{
  return 1.0 / (1.0 + exp (-x));
}

/* -- the chain ------------------------------------------------------------- */

static void
weigh (const Chain *c, size_t i, double weights[N_STATES])
{
  double pose = c->pose[i];

  /* who is ready looks as if playing, and whatever else it looks like */
  weights[PLAYS] = exp ((double)c->motion[i] + pose);
  weights[READY] = exp (fmax (pose, 0.0));
  weights[RESTS] = 1.0;
}

static void
normalise (double p[N_STATES])
{
  double sum = p[PLAYS] + p[READY] + p[RESTS];

  for (int k = 0; k < N_STATES; k++)
    p[k] = fmax (p[k] / sum, 1e-30);
}

/* Forward-backward; probability becomes that of playing. */
static void
run_chain (Chain *c)
{
  double now[N_STATES] = {0.4, 0.1, 0.5}, w[N_STATES], next[N_STATES];

  for (size_t i = 0; i < c->n; i++) {
    const double (*m)[N_STATES] =
        (const double (*)[N_STATES])c->moves[c->sign[i]];

    weigh (c, i, w);
    for (int k = 0; k < N_STATES; k++)
      next[k] = w[k]
          * (now[PLAYS] * m[PLAYS][k] + now[READY] * m[READY][k]
              + now[RESTS] * m[RESTS][k]);
    normalise (next);
    for (int k = 0; k < N_STATES; k++)
      c->forward[i][k] = (float)(now[k] = next[k]);
  }
  now[PLAYS] = now[READY] = now[RESTS] = 1.0;
  for (size_t i = c->n; i-- > 0;) {
    const double (*m)[N_STATES] =
        (const double (*)[N_STATES])c->moves[c->sign[i]];
    double p[N_STATES];

    for (int k = 0; k < N_STATES; k++)
      p[k] = now[k] * c->forward[i][k];
    normalise (p);
    c->probability[i] = (float)p[PLAYS];
    weigh (c, i, w);
    for (int k = 0; k < N_STATES; k++)
      next[k] = m[k][PLAYS] * w[PLAYS] * now[PLAYS]
          + m[k][READY] * w[READY] * now[READY]
          + m[k][RESTS] * w[RESTS] * now[RESTS];
    normalise (next);
    memcpy (now, next, sizeof (now));
  }
}

/* -- motion ---------------------------------------------------------------- */

static void
mark_used (Chain *c, double from, double to, AvmPlayingWay way)
{
  for (size_t i = step_of (c, from), n = step_of (c, to); i < n; i++)
    c->used[i] |= (uint8_t)way;
}

static void
add_odds (Chain *c, float *odds, double from, double to, double rate)
{
  for (size_t i = step_of (c, from), n = step_of (c, to); i < n; i++)
    odds[i] += (float)(rate * AVM_PLAYING_GRID);
}

static void
look_at_track (Chain *c, const AvmPlayingTrack *track)
{
  const AvmPlayingRows *rows = &track->limbs[AVM_PLAYING_BOW];
  double reach = c->playing->settings.reach, odds;

  if (rows->n == 0)
    rows = &track->limbs[AVM_PLAYING_BODY];
  if (rows->n == 0)
    return;
  for (int64_t k = (int64_t)ceil (rows->rows[0].time / AVM_PLAYING_STEP);
       (double)k * AVM_PLAYING_STEP <= rows->rows[rows->n - 1].time; k++) {
    double time = (double)k * AVM_PLAYING_STEP;

    if (time < c->start - 1.0 || time > c->end + 1.0
        || !avm_playing_judge_motion (c->playing, track, time, &odds))
      continue;
    add_odds (c, c->motion, time - 0.5 * AVM_PLAYING_STEP,
        time + 0.5 * AVM_PLAYING_STEP, odds / MOTION_LOOK);
    mark_used (c, time - reach, time + reach, AVM_PLAYING_MOTION);
  }
}

static void
look_at_motion (Chain *c, int musician)
{
  const AvmPlaying *playing = c->playing;

  if (!(playing->settings.ways & AVM_PLAYING_MOTION) || playing->models == NULL)
    return;
  for (size_t i = 0; i < playing->n_tracks; i++)
    if (playing->tracks[i].musician == musician)
      look_at_track (c, &playing->tracks[i]);
}

/* -- score ----------------------------------------------------------------- */

static int
compare_times (const void *pa, const void *pb)
{
  const AvmPlayingTimes *a = pa, *b = pb;

  return a->from < b->from ? -1 : a->from > b->from ? 1 : 0;
}

/* From the notes of a part the runs in which it sounds; rests shorter than
 * `least` are passed over. */
static bool
find_runs (AvmPlayingPart *part, double least)
{
  size_t n = 0;

  free (part->runs);
  part->runs = calloc (AVM_MAX (part->n_notes, 1), sizeof (AvmPlayingTimes));
  part->n_runs = 0;
  if (part->runs == NULL)
    return false;
  if (part->n_notes > 0)
    qsort (part->notes, part->n_notes, sizeof (AvmPlayingTimes), compare_times);
  for (size_t i = 0; i < part->n_notes; i++) {
    const AvmPlayingTimes *note = &part->notes[i];

    if (n > 0 && note->from - part->runs[n - 1].to < least)
      part->runs[n - 1].to = fmax (part->runs[n - 1].to, note->to);
    else
      part->runs[n++] = *note;
  }
  part->n_runs = n;
  return true;
}

static bool
sounds_at (const AvmPlayingPart *part, double time)
{
  size_t lo = 0, hi = part->n_runs;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (part->runs[mid].from <= time)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo > 0 && time < part->runs[lo - 1].to;
}

/* The part of a musician when its score is known and may be used */
static const AvmPlayingPart *
known_part (const Chain *c, const AvmPlayingMusician *m)
{
  const AvmPlaying *playing = c->playing;

  return (playing->settings.ways & AVM_PLAYING_NOTES) && m->part >= 0
          && (size_t)m->part < playing->n_parts
          && playing->parts[m->part].n_runs > 0
      ? &playing->parts[m->part]
      : NULL;
}

static void
read_score (Chain *c, const AvmPlayingPart *part)
{
  memset (c->sign, SILENT, c->n);
  for (size_t k = 0; k < part->n_runs; k++) {
    size_t from = step_of (c, part->runs[k].from);
    size_t to = step_of (c, part->runs[k].to);

    if (part->runs[k].to <= c->start || from >= c->n)
      continue;
    if (to <= from)
      to = from + 1;
    memset (c->sign + from, SOUNDS, AVM_MIN (to, c->n) - from);
    c->sign[from] = BEGINS_NOW;
    if (to < c->n)
      c->sign[to] = ENDS_NOW;
  }
  mark_used (c, c->start - 1.0, c->end + 1.0, AVM_PLAYING_NOTES);
}

/* -- poses ----------------------------------------------------------------- */

static int
compare_sightings (const void *pa, const void *pb)
{
  const AvmPlayingSighting *a = pa, *b = pb;

  if (a->camera != b->camera)
    return a->camera - b->camera;
  if (a->time != b->time)
    return a->time < b->time ? -1 : 1;
  return a->pose - b->pose;
}

/* By camera and time, one at a time */
static void
sort_sightings (AvmPlayingMusician *m)
{
  size_t n = 0;

  if (m->sorted || m->n_sightings == 0)
    return;
  qsort (m->sightings, m->n_sightings, sizeof (AvmPlayingSighting),
      compare_sightings);
  for (size_t i = 0; i < m->n_sightings; i++)
    if (n == 0 || m->sightings[i].camera != m->sightings[n - 1].camera
        || m->sightings[i].time > m->sightings[n - 1].time)
      m->sightings[n++] = m->sightings[i];
  m->n_sightings = n;
  m->sorted = true;
}

/* The time that a sighting stands for: to the middle between it and those
 * before and after, no farther than it reaches */
static AvmPlayingTimes
sighting_times (const Chain *c, const AvmPlayingMusician *m, size_t i)
{
  const AvmPlayingSighting *s = &m->sightings[i];
  double reach = c->playing->settings.reach;
  AvmPlayingTimes t = {s->time - reach, s->time + reach};

  if (i > 0 && s[-1].camera == s->camera)
    t.from = fmax (t.from, 0.5 * (s[-1].time + s->time));
  if (i + 1 < m->n_sightings && s[1].camera == s->camera)
    t.to = fmin (t.to, 0.5 * (s[1].time + s->time));
  return t;
}

static double
look_weight (AvmPlayingTimes t)
{
  return fmin ((t.to - t.from) / TEACH_LOOK, 1.0);
}

static bool
has_label (const Chain *c, const AvmPlayingPose *pose)
{
  return (c->playing->settings.ways & AVM_PLAYING_LABELS)
      && pose->label != AVM_POSE_UNKNOWN;
}

static bool
is_rejected (const Chain *c, const AvmPlayingPose *pose)
{
  return has_label (c, pose) && pose->label == AVM_POSE_REJECTED;
}

/* What the chain said without them teaches the poses. */
static void
teach_poses (const Chain *c, AvmPlayingMusician *m)
{
  for (size_t i = 0; i < m->n_sightings; i++) {
    AvmPlayingPose *pose = &m->poses[m->sightings[i].pose];
    AvmPlayingTimes t = sighting_times (c, m, i);
    size_t step = step_of (c, m->sightings[i].time);

    pose->seconds += t.to - t.from;
    if (m->sightings[i].time < c->start || step >= c->n
        || !(c->used[step] & (AVM_PLAYING_NOTES | AVM_PLAYING_MOTION)))
      continue;
    pose->weight += look_weight (t);
    pose->plays += look_weight (t) * (double)c->probability[step];
  }
}

static void
judge_poses (const Chain *c, AvmPlayingMusician *m)
{
  double weight = PRIOR_LOOKS, plays = 0.5 * PRIOR_LOOKS, usual;

  for (size_t k = 0; k < m->n_poses; k++) {
    weight += m->poses[k].weight;
    plays += m->poses[k].plays;
  }
  usual = AVM_CLAMP (plays / weight, 0.02, 0.98);
  for (size_t k = 0; k < m->n_poses; k++) {
    AvmPlayingPose *pose = &m->poses[k];
    double n = pose->weight + PRIOR_LOOKS;
    double s = pose->plays + PRIOR_LOOKS * usual;
    bool said = has_label (c, pose) && !is_rejected (c, pose);

    pose->probability = NAN;
    pose->odds = 0.0;
    if (said) {
      bool yes = pose->label == AVM_POSE_PLAYING;

      n += LABEL_LOOKS;
      s += LABEL_LOOKS * (yes ? LABEL_SURE : 1.0 - LABEL_SURE);
    }
    if (!said && pose->weight <= 0.0)
      continue;
    pose->probability = AVM_CLAMP (s / n, 0.001, 0.999);
    pose->odds = logit (pose->probability) - logit (usual);
    pose->odds = AVM_CLAMP (pose->odds, -MAX_POSE_ODDS, MAX_POSE_ODDS);
  }
}

/* Ways by which something is known of a pose */
static unsigned
pose_ways (const Chain *c, const AvmPlayingPose *pose, unsigned teachers)
{
  unsigned ways = 0;

  if (is_rejected (c, pose))
    return 0;
  if (has_label (c, pose))
    ways |= AVM_PLAYING_LABELS;
  if (pose->weight > 0.0)
    ways |= teachers;
  return ways;
}

static void
look_at_poses (Chain *c, AvmPlayingMusician *m, unsigned teachers)
{
  for (size_t i = 0; i < m->n_sightings; i++) {
    int number = m->sightings[i].pose;
    const AvmPlayingPose *pose = &m->poses[number];
    AvmPlayingTimes t = sighting_times (c, m, i);
    unsigned ways = pose_ways (c, pose, teachers);

    for (size_t k = step_of (c, t.from), n = step_of (c, t.to); k < n; k++)
      c->shown[k] = (int16_t)number;
    if (ways == 0)
      continue;
    mark_used (c, t.from, t.to, ways);
    add_odds (c, c->pose, t.from, t.to, pose->odds / POSE_LOOK);
  }
}

/* -- which part ------------------------------------------------------------ */

/* Log odds of `plays` of `n` looks sounding given that a pose is one of playing
 * or one of rest, or, seldom, of neither, against all having the usual share */
static double
pose_evidence (double plays, double n, double usual)
{
  double rests = n - plays;
  double yes =
      plays * log (PURE / usual) + rests * log ((1.0 - PURE) / (1.0 - usual));
  double no =
      plays * log ((1.0 - PURE) / usual) + rests * log (PURE / (1.0 - usual));
  double most = fmax (fmax (yes, no), 0.0);

  return most
      + log (
          0.45 * exp (yes - most) + 0.45 * exp (no - most) + 0.1 * exp (-most));
}

/* Log odds of the score given that the musician plays with probability p */
static double
sound_evidence (double p, bool sounds, double usual, double absence)
{
  double expected = (1.0 - absence) * p + absence * (1.0 - p);

  return sounds ? log (expected / usual)
                : log ((1.0 - expected) / (1.0 - usual));
}

static double
label_evidence (const Chain *c, const AvmPlayingPose *pose, double plays,
    double n, double usual)
{
  double absence = fmax (c->playing->settings.absence, 0.02);
  double p = pose->label == AVM_POSE_PLAYING ? LABEL_SURE : 1.0 - LABEL_SURE;

  return plays * sound_evidence (p, true, usual, absence)
      + (n - plays) * sound_evidence (p, false, usual, absence);
}

/* Share of the time in which something is seen of the musician and the part
 * sounds */
static double
usual_share (
    const Chain *c, const AvmPlayingMusician *m, const AvmPlayingPart *part)
{
  double sounds = 1.0, all = 2.0;

  for (size_t i = 0; i < m->n_sightings; i++) {
    double w = look_weight (sighting_times (c, m, i));

    all += w;
    sounds += sounds_at (part, m->sightings[i].time) ? w : 0.0;
  }
  for (double t = c->start; t < c->end; t += PART_STEP) {
    size_t step = step_of (c, t);

    if (step >= c->n || c->motion[step] == 0.0f)
      continue;
    all += PART_STEP / MOTION_LOOK;
    sounds += sounds_at (part, t) ? PART_STEP / MOTION_LOOK : 0.0;
  }
  return AVM_CLAMP (sounds / all, 0.05, 0.95);
}

/* How well sounding of the part goes with what is seen, log odds against no
 * relation. looks: room for two numbers per pose. */
static double
part_evidence (const Chain *c, const AvmPlayingMusician *m,
    const AvmPlayingPart *part, double *looks)
{
  double usual = usual_share (c, m, part), sum = 0.0;
  double absence = fmax (c->playing->settings.absence, 0.02);

  memset (looks, 0, 2 * m->n_poses * sizeof (double));
  for (size_t i = 0; i < m->n_sightings; i++) {
    double w = look_weight (sighting_times (c, m, i));
    double *of_pose = looks + 2 * m->sightings[i].pose;

    of_pose[0] += sounds_at (part, m->sightings[i].time) ? w : 0.0;
    of_pose[1] += w;
  }
  for (size_t k = 0; k < m->n_poses; k++) {
    if (is_rejected (c, &m->poses[k]))
      continue;
    sum += has_label (c, &m->poses[k])
        ? label_evidence (
            c, &m->poses[k], looks[2 * k], looks[2 * k + 1], usual)
        : pose_evidence (looks[2 * k], looks[2 * k + 1], usual);
  }
  for (double t = c->start; t < c->end; t += PART_STEP) {
    size_t step = step_of (c, t);
    double odds = step < c->n ? c->motion[step] : 0.0;

    if (odds == 0.0)
      continue;
    sum += PART_STEP / MOTION_LOOK
        * sound_evidence (logistic (odds * MOTION_LOOK / AVM_PLAYING_GRID),
            sounds_at (part, t), usual, absence);
  }
  return sum;
}

/* Beside no relation at all, with log odds of 0 */
static bool
search_part (const Chain *c, AvmPlayingMusician *m)
{
  const AvmPlaying *playing = c->playing;
  double *looks, *odds, best = 0.0, sum;
  int part = -1;

  m->part = -1;
  m->part_confidence = 0.0;
  if (!(playing->settings.ways & AVM_PLAYING_NOTES))
    return true;
  looks = calloc (2 * m->n_poses + 1, sizeof (double));
  odds = calloc (playing->n_parts + 1, sizeof (double));
  if (looks == NULL || odds == NULL) {
    free (looks);
    free (odds);
    return false;
  }
  for (size_t p = 0; p < playing->n_parts; p++) {
    odds[p] = playing->parts[p].n_runs > 0
        ? part_evidence (c, m, &playing->parts[p], looks)
        : -INFINITY;
    if (odds[p] > best) {
      best = odds[p];
      part = (int)p;
    }
  }
  sum = exp (-best);
  for (size_t p = 0; p < playing->n_parts; p++)
    sum += exp (odds[p] - best);
  if (part >= 0 && best >= LEAST_PART_ODDS && 1.0 / sum >= LEAST_PART_SHARE) {
    m->part = part;
    m->part_confidence = 1.0 / sum;
  }
  free (looks);
  free (odds);
  return true;
}

/* -- spans ----------------------------------------------------------------- */

/* Turns runs shorter than the least of one answer into the other, in stretches
 * in which something is known; runs at the ends of these stay. */
static void
pass_over (Chain *c, uint8_t *plays, uint8_t answer)
{
  double least = c->playing->settings.min_duration - 1e-6;
  size_t n = c->n;

  for (size_t i = 0; i < n;) {
    size_t from = i;

    while (i < n && plays[i] == plays[from]
        && (c->used[i] != 0) == (c->used[from] != 0))
      i++;
    if (plays[from] == answer && c->used[from] != 0 && from > 0 && i < n
        && c->used[from - 1] != 0 && c->used[i] != 0
        && (double)(i - from) * AVM_PLAYING_GRID < least)
      memset (plays + from, !answer, i - from);
  }
}

static int
frequent_pose (
    const Chain *c, size_t from, size_t to, size_t *counts, size_t n_poses)
{
  int best = -1;

  memset (counts, 0, n_poses * sizeof (size_t));
  for (size_t i = from; i < to; i++)
    if (c->shown[i] >= 0)
      counts[c->shown[i]]++;
  for (size_t k = 0; k < n_poses; k++)
    if (counts[k] > 0 && (best < 0 || counts[k] > counts[best]))
      best = (int)k;
  return best;
}

static AvmPlayingSpan
make_span (const Chain *c, size_t from, size_t to, bool plays)
{
  AvmPlayingSpan span = {time_of (c, from), time_of (c, to), plays, -1, 0, 0.0};
  double sum = 0.0;

  for (size_t i = from; i < to; i++) {
    double p = c->probability[i];

    span.used |= c->used[i];
    sum += plays ? p : 1.0 - p;
  }
  span.confidence = AVM_CLAMP (sum / (double)(to - from), 0.5, 1.0);
  return span;
}

static bool
make_spans (Chain *c, AvmPlayingMusician *m)
{
  uint8_t *plays = calloc (AVM_MAX (c->n, 1), sizeof (uint8_t));
  size_t *counts = calloc (m->n_poses + 1, sizeof (size_t));
  bool ok = plays != NULL && counts != NULL;

  for (size_t i = 0; ok && i < c->n; i++)
    plays[i] = c->probability[i] > 0.5f;
  if (ok) {
    pass_over (c, plays, false);
    pass_over (c, plays, true);
  }
  for (size_t i = 0; ok && i < c->n;) {
    size_t from = i;

    while (i < c->n && plays[i] == plays[from]
        && (c->used[i] != 0) == (c->used[from] != 0))
      i++;
    if (c->used[from] == 0)
      continue;
    ok = avm_playing_grow (
        &m->spans, m->n_spans, &m->size_spans, sizeof (AvmPlayingSpan));
    if (!ok)
      break;
    m->spans[m->n_spans] = make_span (c, from, i, plays[from]);
    m->spans[m->n_spans++].pose =
        frequent_pose (c, from, i, counts, m->n_poses);
  }
  free (plays);
  free (counts);
  return ok;
}

/* -- one musician ---------------------------------------------------------- */

static void
forget (Chain *c, AvmPlayingMusician *m)
{
  m->n_spans = 0;
  for (size_t k = 0; k < m->n_poses; k++) {
    AvmPlayingPose *pose = &m->poses[k];

    pose->seconds = pose->weight = pose->plays = pose->odds = 0.0;
    pose->probability = NAN;
  }
  memset (c->motion, 0, c->n * sizeof (float));
  memset (c->pose, 0, c->n * sizeof (float));
  memset (c->used, 0, c->n);
  memset (c->sign, NO_SCORE, c->n);
  memset (c->shown, 0xff, c->n * sizeof (int16_t));
}

static bool
decide (Chain *c, AvmPlayingMusician *m, int number)
{
  const AvmPlayingPart *part;
  unsigned teachers = 0;

  forget (c, m);
  sort_sightings (m);
  look_at_motion (c, number);
  for (size_t i = 0; i < c->n; i++)
    teachers |= c->used[i];
  if (!m->part_said && !search_part (c, m))
    return false;
  part = known_part (c, m);
  if (part != NULL) {
    read_score (c, part);
    teachers |= AVM_PLAYING_NOTES;
  }
  if (m->n_poses > 0) {
    run_chain (c);
    teach_poses (c, m);
    judge_poses (c, m);
    look_at_poses (c, m, teachers);
  }
  run_chain (c);
  return make_spans (c, m);
}

bool
avm_playing_run (AvmPlaying *self, double start, double end, AvmError *error)
{
  Chain chain;
  unsigned ftz;
  bool ok = true, known = false;

  for (size_t i = 0; i < self->n_musicians; i++)
    self->musicians[i].n_spans = 0;
  if (!(end > start) || !isfinite (start) || !isfinite (end))
    return avm_error_set (
        error, AVM_ERROR_EMPTY, -1, "no time from %g to %g s", start, end);
  ok = chain_init (&chain, self, start, end);
  for (size_t p = 0; ok && p < self->n_parts; p++)
    ok = find_runs (&self->parts[p], self->settings.min_duration);
  ftz = avm_ftz_enable ();
  for (size_t i = 0; ok && i < self->n_musicians; i++) {
    AvmPlayingMusician *m = &self->musicians[i];

    if (m->known)
      ok = decide (&chain, m, (int)i);
    known = known || m->n_spans > 0;
  }
  avm_ftz_restore (ftz);
  chain_free (&chain);
  if (!ok)
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
  if (!known)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1,
        "no labels, no notes and no motion of any musician");
  return true;
}
