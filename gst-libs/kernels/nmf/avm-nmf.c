/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The updates. All of them minimise a majoriser of the cost, a function that
 * touches it where we stand and is nowhere below it, so that the cost cannot
 * rise, whatever lambda and mu are and however rough V is.
 *
 * H. With g = W^T R, b0 = W^T 1 and x = h / h' (h' as it was):
 *   KL <= sum b0 h' x - h' g log x,   |m - A^T h|^2 <= as in Lee and Seung,
 * whose minimum is the root of alpha x^2 + b x - g = 0 with
 *   alpha = 2 lambda A (B o A^T h'),  b = b0 - 2 lambda A (B o m).
 *
 * W. The norm of an atom does not matter to W H if its activations h and links
 * a follow; then the cost of an atom of norm |w'| is KL + mu sum a / |w'|.
 * With p_f = w_f^2 (which sum to 1) and w' = w x, Jensen's inequality gives
 * 1 / |w'| <= sum p_f / x_f, so that with P = R H^T, q = H 1, s = mu sum a
 *   C <= sum_f q w x - P w log x + s w^2 / x,
 * whose minimum is the root of q x^2 - P x - s w = 0. Then the atom is brought
 * to norm 1 again. With s = 0 it is the rule of Lee and Seung.
 *
 * A. The rule of Lee and Seung, mu in the denominator.
 */

#include "nmf/avm-nmf.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "nmf/avm-nmf-private.h"

#define PANEL AVM_NMF_PANEL
#define BLOCK AVM_NMF_BLOCK
#define LANES 8

/* W H counts as at least this part of the largest number in V, so that no
 * quotient overflows: 240 dB below the peak */
#define FLOOR 1e-12f

/* What is positive stays so, and can grow again when the rest has moved on. */
#define LEAST 1e-30f

/* Links grow no further: where nothing sounds and mu is 0, all that motion
 * asks for is ever larger links of ever weaker activations. */
#define MAX_LINK 1e18

struct _AvmNmf {
  AvmNmfConfig config;
  const AvmNmfOps *ops;
  AvmNmfPool *pool;
  int n_panels, p_rows;
  ptrdiff_t w_stride, k_stride, a_stride;

  const float *v;
  ptrdiff_t v_stride;
  int n_frames;
  double mean; /* of V */
  float epsilon;
  const float *motion; /* NULL: none */
  double lambda, mu;

  float *w, *h, *a;
  float *panels, *turned, *silence; /* see AvmNmfPass */
  float *p;                         /* n_panels x p_rows x PANEL */
  float *g;                         /* a block for every thread */
  double *rules;                    /* two rows for every thread */
  double *links;                    /* A turned, n_motions x k_stride */
  double *b0, *q, *s;               /* see above */
  double *parts;                    /* of b0: a row for every panel */
  double *costs;                    /* of every block, or of every panel */
  /* Panels are shared out in ever smaller portions, so that nobody waits long
   * for the last: portion i goes from starts[i] to before starts[i + 1]. */
  int *starts, n_portions;
};

/* What the threads do in one pass */
typedef struct {
  AvmNmf *nmf;
  AvmNmfPass pass;
  bool update, cost;
} Job;

static ptrdiff_t
round_up (ptrdiff_t n, ptrdiff_t multiple)
{
  return (n + multiple - 1) / multiple * multiple;
}

static int
blocks_of (int n_frames)
{
  return (n_frames + BLOCK - 1) / BLOCK;
}

static bool
allocate (AvmNmf *self)
{
  const AvmNmfConfig *c = &self->config;
  size_t k = (size_t)self->k_stride, threads = (size_t)c->n_threads;
  size_t panels = (size_t)self->n_panels;

  self->w = avm_alloc (
      (size_t)c->n_components * (size_t)self->w_stride, sizeof (float));
  /* what reads it in groups reads a little beyond the last component */
  self->h =
      avm_alloc ((size_t)c->max_frames * k + AVM_NMF_GROUP, sizeof (float));
  self->a = avm_alloc (
      (size_t)c->n_components * (size_t)self->a_stride, sizeof (float));
  self->panels =
      avm_alloc (panels * (size_t)c->n_components * PANEL, sizeof (float));
  self->turned = avm_alloc (panels * PANEL * k, sizeof (float));
  self->silence = avm_alloc (k, sizeof (float));
  self->p = avm_alloc (panels * (size_t)self->p_rows * PANEL, sizeof (float));
  self->g = avm_alloc (threads * BLOCK * k, sizeof (float));
  self->rules = avm_alloc (threads * 2 * k, sizeof (double));
  self->links = avm_alloc ((size_t)c->n_motions * k, sizeof (double));
  self->b0 = avm_alloc (k, sizeof (double));
  self->q = avm_alloc (k, sizeof (double));
  self->s = avm_alloc (k, sizeof (double));
  self->parts = avm_alloc (panels * k, sizeof (double));
  self->starts = avm_alloc (panels + 1, sizeof (int));
  self->costs = avm_alloc (
      AVM_MAX (panels, (size_t)blocks_of (c->max_frames)), sizeof (double));
  self->pool = avm_nmf_pool_new (c->n_threads);
  return self->w != NULL && self->h != NULL && self->a != NULL
      && self->panels != NULL && self->turned != NULL && self->silence != NULL
      && self->p != NULL && self->g != NULL && self->rules != NULL
      && self->links != NULL && self->b0 != NULL && self->q != NULL
      && self->s != NULL && self->parts != NULL && self->starts != NULL
      && self->costs != NULL && self->pool != NULL;
}

static void
share_out_panels (AvmNmf *self)
{
  int left = self->n_panels, n_threads = self->config.n_threads;

  while (left > 0) {
    int portion = n_threads > 1 ? AVM_MAX (left / (2 * n_threads), 1) : left;

    left -= portion;
    self->starts[++self->n_portions] = self->n_panels - left;
  }
}

AvmNmf *
avm_nmf_new (const AvmNmfConfig *config, AvmError *error)
{
  AvmNmf *self;

  if (config->n_bins < 1 || config->n_bins > 1 << 20 || config->n_components < 1
      || config->n_components > 1024 || config->max_frames < 1
      || config->max_frames > 1 << 24 || config->n_motions < 0
      || config->n_motions > 256 || config->n_threads < 1
      || config->n_threads > 64) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d bins, %d components, %d frames, %d motions, %d threads",
        config->n_bins, config->n_components, config->max_frames,
        config->n_motions, config->n_threads);
    return NULL;
  }
  self = avm_alloc (1, sizeof (*self));
  if (self != NULL) {
    self->config = *config;
    self->ops = avm_nmf_ops (config->lanes);
    self->n_panels = (config->n_bins + PANEL - 1) / PANEL;
    self->p_rows = (int)round_up (config->n_components, AVM_NMF_GROUP);
    self->k_stride = round_up (config->n_components, AVM_NMF_FILL);
    self->a_stride = round_up (AVM_MAX (config->n_motions, 1), AVM_NMF_FILL);
    self->w_stride = round_up (config->n_bins, AVM_NMF_FILL);
    if (allocate (self)) {
      share_out_panels (self);
      return self;
    }
  }
  avm_nmf_free (self);
  avm_error_set (error, AVM_ERROR_MEMORY, -1,
      "a factorisation of %d x %d into %d components", config->n_bins,
      config->max_frames, config->n_components);
  return NULL;
}

void
avm_nmf_free (AvmNmf *self)
{
  if (self == NULL)
    return;
  avm_nmf_pool_free (self->pool);
  avm_free (self->w);
  avm_free (self->h);
  avm_free (self->a);
  avm_free (self->panels);
  avm_free (self->turned);
  avm_free (self->silence);
  avm_free (self->p);
  avm_free (self->g);
  avm_free (self->rules);
  avm_free (self->links);
  avm_free (self->b0);
  avm_free (self->q);
  avm_free (self->s);
  avm_free (self->parts);
  avm_free (self->starts);
  avm_free (self->costs);
  avm_free (self);
}

/* Raises *peak and adds to *sum; false: not a magnitude among them. */
AVM_CLONES static bool
survey (const float *row, int n, float *peak, double *sum)
{
  float top[LANES] = {0}, sums[LANES] = {0};
  int bad = 0, i = 0;

  for (; i + LANES <= n; i += LANES) {
    for (int j = 0; j < LANES; j++) {
      float x = row[i + j];

      bad |= !(x >= 0.0f && x <= FLT_MAX);
      top[j] = x > top[j] ? x : top[j];
      sums[j] += x;
    }
  }
  for (; i < n; i++) {
    bad |= !(row[i] >= 0.0f && row[i] <= FLT_MAX);
    top[0] = row[i] > top[0] ? row[i] : top[0];
    sums[0] += row[i];
  }
  for (int j = 0; j < LANES; j++) {
    *peak = AVM_MAX (*peak, top[j]);
    *sum += (double)sums[j];
  }
  return !bad;
}

bool
avm_nmf_set_input (AvmNmf *self, const float *v, ptrdiff_t stride, int n_frames,
    AvmError *error)
{
  float peak = 0.0f;
  double sum = 0.0;

  if (n_frames < 1 || n_frames > self->config.max_frames)
    return avm_error_set (error, AVM_ERROR_RANGE, -1, "%d frames, not 1 to %d",
        n_frames, self->config.max_frames);
  for (int n = 0; n < n_frames; n++)
    if (!survey (v + n * stride, self->config.n_bins, &peak, &sum))
      return avm_error_set (error, AVM_ERROR_RANGE, n,
          "frame %d has a number that is negative or not finite", n);
  self->v = v;
  self->v_stride = stride;
  self->n_frames = n_frames;
  self->mean = sum / ((double)n_frames * (double)self->config.n_bins);
  self->epsilon = AVM_MAX (FLOOR * peak, 1e-30f);
  return true;
}

void
avm_nmf_set_motion (AvmNmf *self, const float *motion, double lambda, double mu)
{
  self->motion = self->config.n_motions > 0 ? motion : NULL;
  self->lambda = lambda;
  self->mu = mu;
}

float *
avm_nmf_get_w (AvmNmf *self, ptrdiff_t *stride)
{
  *stride = self->w_stride;
  return self->w;
}

float *
avm_nmf_get_h (AvmNmf *self, ptrdiff_t *stride)
{
  *stride = self->k_stride;
  return self->h;
}

float *
avm_nmf_get_a (AvmNmf *self, ptrdiff_t *stride)
{
  *stride = self->a_stride;
  return self->a;
}

static void
fill_random (float *rows, ptrdiff_t stride, int n_rows, int n, double scale,
    uint64_t seed, uint64_t stream)
{
  AvmRng rng;

  avm_rng_init (&rng, seed, stream);
  for (int i = 0; i < n_rows; i++)
    for (int j = 0; j < n; j++)
      rows[i * stride + j] = (float)(scale * avm_rng_range (&rng, 0.1, 1.9));
}

/* Of A, so that H^T A is about as large as the motion */
static double
link_scale (const AvmNmf *self)
{
  const AvmNmfConfig *c = &self->config;
  double motion = 0.0, h = 0.0;
  size_t known = 0;

  if (self->motion == NULL)
    return 1.0;
  for (int n = 0; n < self->n_frames; n++) {
    for (int i = 0; i < c->n_motions; i++) {
      float m = self->motion[(ptrdiff_t)n * c->n_motions + i];

      if (!isnan (m)) {
        motion += (double)m;
        known++;
      }
    }
    for (int k = 0; k < c->n_components; k++)
      h += (double)self->h[n * self->k_stride + k];
  }
  if (!(motion > 0.0) || !(h > 0.0))
    return 1.0;
  return AVM_MIN (
      motion / (double)known / (h / (double)self->n_frames), MAX_LINK / 2.0);
}

void
avm_nmf_randomise (AvmNmf *self, unsigned what, uint64_t seed)
{
  const AvmNmfConfig *c = &self->config;
  double scale =
      self->mean > 0.0 ? sqrt (self->mean / (double)c->n_components) : 1.0;

  if (what & AVM_NMF_UPDATE_W)
    fill_random (
        self->w, self->w_stride, c->n_components, c->n_bins, scale, seed, 1);
  if (what & AVM_NMF_UPDATE_H)
    fill_random (self->h, self->k_stride, c->max_frames, c->n_components, scale,
        seed, 2);
  if (what & AVM_NMF_UPDATE_A)
    fill_random (self->a, self->a_stride, c->n_components, c->n_motions,
        link_scale (self), seed, 3);
}

/* Sums of squares, in parts so that it can be done in vectors */
AVM_CLONES static double
square_norm (const float *x, int n)
{
  double sums[LANES] = {0}, sum = 0.0;
  int i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++)
      sums[j] += (double)x[i + j] * (double)x[i + j];
  for (; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  for (int j = 0; j < LANES; j++)
    sum += sums[j];
  return sum;
}

/* Atom k to norm 1 */
static void
normalise_atom (AvmNmf *self, int k, double norm)
{
  const AvmNmfConfig *c = &self->config;
  float *w = self->w + k * self->w_stride;

  for (int f = 0; f < c->n_bins; f++)
    w[f] = (float)((double)w[f] / norm);
  for (int n = 0; n < c->max_frames; n++)
    self->h[n * self->k_stride + k] =
        (float)((double)self->h[n * self->k_stride + k] * norm);
  for (int i = 0; i < c->n_motions; i++)
    self->a[k * self->a_stride + i] = (float)AVM_MIN (
        (double)self->a[k * self->a_stride + i] / norm, MAX_LINK);
}

void
avm_nmf_normalise (AvmNmf *self)
{
  for (int k = 0; k < self->config.n_components; k++) {
    double norm =
        sqrt (square_norm (self->w + k * self->w_stride, self->config.n_bins));

    /* nothing is gained by rounding once more */
    if (norm > 0.0 && fabs (norm - 1.0) > 1e-6)
      normalise_atom (self, k, norm);
  }
}

static void
pack_links (AvmNmf *self)
{
  const AvmNmfConfig *c = &self->config;

  for (int i = 0; i < c->n_motions && self->motion != NULL; i++)
    for (int k = 0; k < c->n_components; k++)
      self->links[i * self->k_stride + k] =
          (double)self->a[k * self->a_stride + i];
}

static Job
make_job (AvmNmf *self)
{
  Job job = {.nmf = self,
      .pass = {self->v, self->v_stride, self->config.n_bins, self->n_frames,
          self->config.n_components, self->h, self->k_stride, self->panels,
          self->turned, self->silence, self->epsilon}};

  return job;
}

/* A panel of W as the passes read it, and its sums */
static void
work_pack (void *data, int item, int thread)
{
  AvmNmf *self = ((Job *)data)->nmf;
  const AvmNmfConfig *c = &self->config;
  int n = AVM_MIN (PANEL, c->n_bins - item * PANEL);
  float *panel = self->panels + (size_t)item * (size_t)c->n_components * PANEL;
  float *turned = self->turned + item * PANEL * self->k_stride;
  double *sums = self->parts + item * self->k_stride;

  (void)thread;
  for (int k = 0; k < c->n_components; k++, panel += PANEL, turned++) {
    const float *w = self->w + k * self->w_stride + item * PANEL;

    memcpy (panel, w, (size_t)n * sizeof (float));
    sums[k] = 0.0;
    for (int f = 0; f < n; f++) {
      turned[f * self->k_stride] = w[f];
      sums[k] += (double)w[f];
    }
  }
}

static void
pack_atoms (AvmNmf *self)
{
  Job job = make_job (self);

  avm_nmf_pool_run (self->pool, work_pack, &job, self->n_panels);
  memset (self->b0, 0, (size_t)self->k_stride * sizeof (double));
  for (int i = 0; i < self->n_panels; i++)
    for (int k = 0; k < self->config.n_components; k++)
      self->b0[k] += self->parts[i * self->k_stride + k];
}

/* What the links say of a motion: a row of H^T A */
AVM_CLONES static double
predict (const float *h, const double *links, int n)
{
  double sums[LANES] = {0}, sum = 0.0;
  int k = 0;

  for (; k + LANES <= n; k += LANES)
    for (int j = 0; j < LANES; j++)
      sums[j] += (double)h[k + j] * links[k + j];
  for (; k < n; k++)
    sum += (double)h[k] * links[k];
  for (int j = 0; j < LANES; j++)
    sum += sums[j];
  return sum;
}

/* sums += factor x */
AVM_CLONES static void
add_scaled (
    double *restrict sums, const double *restrict x, double factor, int n)
{
  for (int k = 0; k < n; k++)
    sums[k] += factor * x[k];
}

/* Adds the motion's part to alpha and b of one frame and returns what it
 * costs. */
static double
add_motion (const AvmNmf *self, int frame, double *alpha, double *b)
{
  const AvmNmfConfig *c = &self->config;
  const float *h = self->h + frame * self->k_stride;
  double cost = 0.0;

  for (int i = 0; i < c->n_motions; i++) {
    const double *links = self->links + i * self->k_stride;
    double m = (double)self->motion[(ptrdiff_t)frame * c->n_motions + i];
    double guess;

    if (isnan (m))
      continue;
    guess = predict (h, links, c->n_components);
    cost += self->lambda * (m - guess) * (m - guess);
    if (alpha == NULL)
      continue;
    add_scaled (alpha, links, 2.0 * self->lambda * guess, c->n_components);
    add_scaled (b, links, -2.0 * self->lambda * m, c->n_components);
  }
  return cost;
}

AVM_CLONES static void
update_plain (float *restrict h, const float *restrict g,
    const double *restrict b0, int n)
{
  for (int k = 0; k < n; k++) {
    float fresh = (float)((double)h[k] * (double)g[k] / b0[k]);

    fresh = fresh > LEAST ? fresh : LEAST;
    h[k] = b0[k] > 0.0 && h[k] > 0.0f ? fresh : h[k];
  }
}

/* The positive root of alpha x^2 + b x - g = 0, without cancellation */
AVM_CLONES static void
update_joint (float *restrict h, const float *restrict g,
    const double *restrict alpha, const double *restrict b, int n)
{
  for (int k = 0; k < n; k++) {
    double gain = (double)g[k];
    double root = sqrt (b[k] * b[k] + 4.0 * alpha[k] * gain);
    double above = b[k] >= 0.0 ? 2.0 * gain : root - b[k];
    double below = b[k] >= 0.0 ? root + b[k] : 2.0 * alpha[k];
    float fresh = (float)((double)h[k] * (above / below));

    fresh = fresh > LEAST ? fresh : LEAST;
    h[k] = below > 0.0 && h[k] > 0.0f ? fresh : h[k];
  }
}

/* H of a block of frames, or only what it costs */
static void
work_frames (void *data, int item, int thread)
{
  const Job *job = data;
  AvmNmf *self = job->nmf;
  int n_components = self->config.n_components;
  size_t row = (size_t)n_components * sizeof (double);
  int first = item * BLOCK, n = AVM_MIN (BLOCK, self->n_frames - first);
  float *g = self->g + (ptrdiff_t)thread * BLOCK * self->k_stride;
  double *alpha = self->rules + (ptrdiff_t)thread * 2 * self->k_stride;
  double *b = alpha + self->k_stride;
  double cost =
      self->ops->over_frames (&job->pass, first, n, job->update ? g : NULL);

  for (int t = 0; t < n; t++, g += self->k_stride) {
    float *h = self->h + (first + t) * self->k_stride;

    if (self->motion == NULL) {
      if (job->update)
        update_plain (h, g, self->b0, n_components);
      continue;
    }
    memset (alpha, 0, row);
    memcpy (b, self->b0, row);
    cost += add_motion (self, first + t, job->update ? alpha : NULL, b);
    if (job->update)
      update_joint (h, g, alpha, b, n_components);
  }
  self->costs[item] = cost;
}

/* s = 0 is Lee and Seung's rule */
AVM_CLONES static void
update_atom (
    float *restrict w, const float *restrict p, double q, double s, int n)
{
  for (int f = 0; f < n; f++) {
    double gain = (double)p[f], atom = (double)w[f];
    double root = sqrt (gain * gain + 4.0 * q * s * atom);
    float fresh = (float)(atom * (gain + root) / (2.0 * q));

    fresh = fresh > LEAST ? fresh : LEAST;
    w[f] = w[f] > 0.0f ? fresh : w[f];
  }
}

/* W of a portion of the panels */
static void
work_bins (void *data, int item, int thread)
{
  const Job *job = data;
  AvmNmf *self = job->nmf;
  const AvmNmfConfig *c = &self->config;
  int first = self->starts[item], end = self->starts[item + 1];

  (void)thread;
  self->ops->over_bins (&job->pass, first, end, self->p, self->p_rows,
      job->cost ? self->costs : NULL);
  for (int i = first; i < end; i++) {
    const float *p = self->p + (ptrdiff_t)i * self->p_rows * PANEL;
    float *w = self->w + i * PANEL;

    for (int k = 0; k < c->n_components; k++)
      if (self->q[k] > 0.0)
        update_atom (w + k * self->w_stride, p + k * PANEL, self->q[k],
            self->s[k], AVM_MIN (PANEL, c->n_bins - i * PANEL));
  }
}

static double
sum_costs (const AvmNmf *self, int n)
{
  /* the floor belongs to the model everywhere */
  double cost = (double)self->epsilon * (double)self->n_frames
      * (double)self->config.n_bins;

  for (int i = 0; i < n; i++)
    cost += self->costs[i];
  return cost;
}

/* mu sum A, and the motion's part too if no pass over frames has it */
static double
cost_of_links (const AvmNmf *self, bool motion)
{
  const AvmNmfConfig *c = &self->config;
  double cost = 0.0;

  if (self->motion == NULL)
    return 0.0;
  for (int k = 0; k < c->n_components; k++)
    for (int i = 0; i < c->n_motions; i++)
      cost += self->mu * (double)self->a[k * self->a_stride + i];
  for (int n = 0; n < self->n_frames && motion; n++)
    cost += add_motion (self, n, NULL, NULL);
  return cost;
}

static double
pass_over_frames (AvmNmf *self, bool update)
{
  Job job = make_job (self);
  double cost = cost_of_links (self, false);

  job.update = update;
  avm_nmf_pool_run (self->pool, work_frames, &job, blocks_of (self->n_frames));
  return cost + sum_costs (self, blocks_of (self->n_frames));
}

/* q and s of the rule for W */
static void
sum_up (AvmNmf *self)
{
  const AvmNmfConfig *c = &self->config;

  memset (self->q, 0, (size_t)c->n_components * sizeof (double));
  for (int n = 0; n < self->n_frames; n++)
    for (int k = 0; k < c->n_components; k++)
      self->q[k] += (double)self->h[n * self->k_stride + k];
  for (int k = 0; k < c->n_components; k++) {
    self->s[k] = 0.0;
    for (int i = 0; i < c->n_motions && self->motion != NULL; i++)
      self->s[k] += self->mu * (double)self->a[k * self->a_stride + i];
  }
}

/* Updates W; cost NULL: not wanted */
static void
pass_over_bins (AvmNmf *self, double *cost)
{
  Job job = make_job (self);

  job.cost = cost != NULL;
  if (job.cost)
    *cost = cost_of_links (self, true);
  sum_up (self);
  avm_nmf_pool_run (self->pool, work_bins, &job, self->n_portions);
  if (job.cost)
    *cost += sum_costs (self, self->n_panels);
  if (self->motion != NULL)
    avm_nmf_normalise (self);
}

/* Column `item` of A */
static void
work_links (void *data, int item, int thread)
{
  AvmNmf *self = ((Job *)data)->nmf;
  const AvmNmfConfig *c = &self->config;
  const double *links = self->links + item * self->k_stride;
  double *above = self->rules + (ptrdiff_t)thread * 2 * self->k_stride;
  double *below = above + self->k_stride;

  memset (above, 0, (size_t)(2 * self->k_stride) * sizeof (double));
  for (int n = 0; n < self->n_frames; n++) {
    const float *h = self->h + n * self->k_stride;
    double m = (double)self->motion[(ptrdiff_t)n * c->n_motions + item];
    double guess;

    if (isnan (m))
      continue;
    guess = predict (h, links, c->n_components);
    for (int k = 0; k < c->n_components; k++) {
      above[k] += (double)h[k] * m;
      below[k] += (double)h[k] * guess;
    }
  }
  for (int k = 0; k < c->n_components; k++) {
    double divisor = 2.0 * self->lambda * below[k] + self->mu;
    double gain = 2.0 * self->lambda * AVM_MAX (above[k], 0.0);

    if (links[k] > 0.0 && divisor > 0.0)
      self->a[k * self->a_stride + item] = (float)AVM_CLAMP (
          links[k] * (gain / divisor), (double)LEAST, MAX_LINK);
  }
}

static void
update_links (AvmNmf *self)
{
  Job job = make_job (self);

  pack_links (self);
  avm_nmf_pool_run (self->pool, work_links, &job, self->config.n_motions);
}

double
avm_nmf_iterate (AvmNmf *self, unsigned what)
{
  unsigned state;
  double cost = 0.0;

  if (self->v == NULL)
    return 0.0;
  state = avm_ftz_enable ();
  if (self->motion != NULL && what & AVM_NMF_UPDATE_W)
    avm_nmf_normalise (self);
  pack_atoms (self);
  pack_links (self);
  if (what & AVM_NMF_UPDATE_H || !(what & AVM_NMF_UPDATE_W))
    cost = pass_over_frames (self, what & AVM_NMF_UPDATE_H);
  if (what & AVM_NMF_UPDATE_W)
    pass_over_bins (self, what & AVM_NMF_UPDATE_H ? NULL : &cost);
  if (what & AVM_NMF_UPDATE_A && self->motion != NULL)
    update_links (self);
  avm_ftz_restore (state);
  return cost;
}

double
avm_nmf_cost (AvmNmf *self)
{
  unsigned state;
  double cost;

  if (self->v == NULL)
    return 0.0;
  state = avm_ftz_enable ();
  pack_atoms (self);
  pack_links (self);
  cost = pass_over_frames (self, false);
  avm_ftz_restore (state);
  return cost;
}

/* out = sum of weights[k] w_k, `n` bins */
AVM_CLONES static void
mix_atoms (const float *w, ptrdiff_t stride, const float *h,
    const float *weights, int n_components, float *out, int n)
{
  float sums[PANEL] = {0};

  for (int k = 0; k < n_components; k++, w += stride) {
    float weight = weights != NULL ? h[k] * weights[k] : h[k];

    for (int f = 0; f < n; f++)
      sums[f] += weight * w[f];
  }
  memcpy (out, sums, (size_t)n * sizeof (float));
}

void
avm_nmf_model (const AvmNmf *self, int frame, const float *weights, float *out)
{
  for (int f = 0; f < self->config.n_bins; f += PANEL)
    mix_atoms (self->w + f, self->w_stride, self->h + frame * self->k_stride,
        weights, self->config.n_components, out + f,
        AVM_MIN (PANEL, self->config.n_bins - f));
}
