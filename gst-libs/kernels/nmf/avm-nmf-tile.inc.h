/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The passes over V, for avm-nmf-kernels.c, which includes this once per level
 * of the architecture with LANES (4, 8 or 16), VECS (the vectors of a tile's
 * row that its registers have room for) and NAME (x) set.
 *
 * Tiles are GROUP rows of up to VECS vectors. Each of the three products has
 * the vectors along what is contiguous on both sides, so that nothing is ever
 * summed across lanes: L = H W along the bins, G = R W^T along the components
 * (W turned), P = H^T R along the bins.
 */

typedef float NAME (Vec)
    __attribute__ ((vector_size (LANES * 4), aligned (4), may_alias));
typedef int32_t NAME (Int) __attribute__ ((vector_size (LANES * 4)));

/* Expands to f with the constant number of vectors that n columns need */
#if VECS == 4
#define FOR_VECTORS(n, f, ...)                                                 \
  ((n) > 3 * LANES          ? f (__VA_ARGS__, 4)                               \
          : (n) > 2 * LANES ? f (__VA_ARGS__, 3)                               \
          : (n) > LANES     ? f (__VA_ARGS__, 2)                               \
                            : f (__VA_ARGS__, 1))
#else
#define FOR_VECTORS(n, f, ...)                                                 \
  ((n) > LANES ? f (__VA_ARGS__, 2) : f (__VA_ARGS__, 1))
#endif

/* Natural logarithm, to 2 ulp; of 0 something finite. log (1 + f) =
 * f - f^2 / 2 + f^3 p (f), p fitted to the range of f for the least relative
 * error (3e-8). */
INLINE
NAME (Vec) NAME (logarithm) (NAME (Vec) x)
{
  const int32_t half = 0x3f3504f3; /* sqrt (1/2) */
  NAME (Int) bits = (NAME (Int))x;
  NAME (Int) exponent = (bits - half) >> 23;
  NAME (Vec) f = (NAME (Vec)) (bits - (exponent << 23)) - 1.0f;
  NAME (Vec) e = __builtin_convertvector(exponent, NAME (Vec));
  NAME (Vec) p = 0.0870036f * f - 0.1426748f;

  p = p * f + 0.1491479f;
  p = p * f - 0.1657759f;
  p = p * f + 0.1996306f;
  p = p * f - 0.2500134f;
  p = p * f + 0.3333391f;
  p = (p * f - 0.5f) * (f * f) + e * -2.12194440e-4f;
  return e * 0.693359375f + (p + f);
}

/* r = V / L for GROUP frames and `vecs` vectors of bins, PANEL floats a row.
 * Adds V log R - V + W H to *sum. */
INLINE void
NAME (divide) (const float *const *h, const float *panel, int n_components,
    float epsilon, const float *v, ptrdiff_t v_stride, float *r,
    NAME (Vec) * sum, const bool cost, const int vecs)
{
  NAME (Vec) l[GROUP][VECS];

  for (int t = 0; t < GROUP; t++)
    for (int i = 0; i < vecs; i++)
      l[t][i] = (NAME (Vec)){0} + epsilon;
  for (int k = 0; k < n_components; k++) {
    NAME (Vec) w[VECS];

    for (int i = 0; i < vecs; i++)
      w[i] = *(const NAME (Vec) *)(panel + k * PANEL + i * LANES);
    for (int t = 0; t < GROUP; t++)
      for (int i = 0; i < vecs; i++)
        l[t][i] += h[t][k] * w[i];
  }
  for (int t = 0; t < GROUP; t++) {
    for (int i = 0; i < vecs; i++) {
      NAME (Vec) x = *(const NAME (Vec) *)(v + t * v_stride + i * LANES);
      NAME (Vec) ratio = x / l[t][i];

      *(NAME (Vec) *)(r + t * PANEL + i * LANES) = ratio;
      if (cost)
        *sum += x * NAME (logarithm) (ratio) + ((l[t][i] - epsilon) - x);
    }
  }
}

/* g += R W^T for GROUP frames and `vecs` vectors of components */
INLINE void
NAME (gather_g) (const float *r, const float *turned, ptrdiff_t k_stride,
    int n_bins, float *g, const int vecs)
{
  NAME (Vec) sums[GROUP][VECS];

  for (int t = 0; t < GROUP; t++)
    for (int i = 0; i < vecs; i++)
      sums[t][i] = (NAME (Vec)){0};
  for (int f = 0; f < n_bins; f++, turned += k_stride) {
    NAME (Vec) w[VECS];

    for (int i = 0; i < vecs; i++)
      w[i] = *(const NAME (Vec) *)(turned + i * LANES);
    for (int t = 0; t < GROUP; t++)
      for (int i = 0; i < vecs; i++)
        sums[t][i] += r[t * PANEL + f] * w[i];
  }
  for (int t = 0; t < GROUP; t++)
    for (int i = 0; i < vecs; i++)
      *(NAME (Vec) *)(g + t * k_stride + i * LANES) += sums[t][i];
}

/* p += R H^T for GROUP components and `vecs` vectors of bins */
INLINE void
NAME (gather_p) (const float *r, const float *h, ptrdiff_t k_stride,
    int n_frames, float *p, const int vecs)
{
  NAME (Vec) sums[GROUP][VECS];

  for (int k = 0; k < GROUP; k++)
    for (int i = 0; i < vecs; i++)
      sums[k][i] = (NAME (Vec)){0};
  for (int t = 0; t < n_frames; t++, h += k_stride, r += PANEL) {
    NAME (Vec) x[VECS];

    for (int i = 0; i < vecs; i++)
      x[i] = *(const NAME (Vec) *)(r + i * LANES);
    for (int k = 0; k < GROUP; k++)
      for (int i = 0; i < vecs; i++)
        sums[k][i] += h[k] * x[i];
  }
  for (int k = 0; k < GROUP; k++)
    for (int i = 0; i < vecs; i++)
      *(NAME (Vec) *)(p + k * PANEL + i * LANES) += sums[k][i];
}

/* Sends for what will be needed of V some tiles later: rows of it are far
 * apart, and the processor does not guess that by itself. */
INLINE void
NAME (send_for) (const AvmNmfPass *pass, int first, int panel)
{
  const float *v;

  if (first + GROUP > pass->n_frames || (panel + 1) * PANEL > pass->n_bins)
    return;
  v = pass->v + first * pass->v_stride + (ptrdiff_t)panel * PANEL;
  for (int t = 0; t < GROUP; t++)
    for (int i = 0; i < PANEL; i += 16)
      __builtin_prefetch (v + t * pass->v_stride + i, 0, 2);
}

/* R of up to GROUP frames of a panel. At the edges of V, where a tile has less
 * of it than the registers hold, it works on a copy. */
INLINE void
NAME (ratio) (const AvmNmfPass *pass, int first, int n, int panel, float *r,
    NAME (Vec) * sum, const bool cost)
{
  const float *w =
      pass->panels + (size_t)panel * (size_t)pass->n_components * PANEL;
  int n_bins = AVM_MIN (PANEL, pass->n_bins - panel * PANEL);
  const float *v = pass->v + first * pass->v_stride + (ptrdiff_t)panel * PANEL;
  ptrdiff_t v_stride = pass->v_stride;
  const float *h[GROUP];
  float edge[GROUP * PANEL];

  for (int t = 0; t < GROUP; t++)
    h[t] = t < n ? pass->h + (first + t) * pass->k_stride : pass->silence;
  if (n < GROUP || n_bins % LANES != 0) {
    memset (edge, 0, sizeof (edge));
    for (int t = 0; t < n; t++)
      memcpy (
          edge + t * PANEL, v + t * v_stride, (size_t)n_bins * sizeof (float));
    v = edge;
    v_stride = PANEL;
  }
  for (int f = 0; f < n_bins; f += VECS * LANES)
    FOR_VECTORS (n_bins - f, NAME (divide), h, w + f, pass->n_components,
        pass->epsilon, v + f, v_stride, r + f, sum, cost);
}

static double
NAME (over_frames) (const AvmNmfPass *pass, int first, int n, float *g)
{
  float r[GROUP * PANEL] __attribute__ ((aligned (64)));
  double cost = 0.0;

  if (g != NULL)
    memset (g, 0, (size_t)(BLOCK * pass->k_stride) * sizeof (float));
  for (int f = 0; f < pass->n_bins; f += PANEL) {
    const float *turned = pass->turned + f * pass->k_stride;
    int n_bins = AVM_MIN (PANEL, pass->n_bins - f);
    NAME (Vec) sum = {0};

    for (int t = 0; t < n; t += GROUP) {
      NAME (send_for) (pass, first + t, f / PANEL + 1);
      NAME (ratio)
      (pass, first + t, AVM_MIN (GROUP, n - t), f / PANEL, r, &sum, true);
      if (g == NULL)
        continue;
      for (int k = 0; k < pass->n_components; k += VECS * LANES)
        FOR_VECTORS (pass->n_components - k, NAME (gather_g), r, turned + k,
            pass->k_stride, n_bins, g + t * pass->k_stride + k);
    }
    for (int i = 0; i < LANES; i++)
      cost += (double)sum[i];
  }
  return cost;
}

/* P of a panel over one block of frames; where the work goes on then */
INLINE void
NAME (block_p) (const AvmNmfPass *pass, int first, int n, int panel,
    int next_first, int next_panel, float *p, NAME (Vec) * sum, const bool cost)
{
  float r[BLOCK * PANEL] __attribute__ ((aligned (64)));
  const float *h = pass->h + first * pass->k_stride;
  int n_bins = AVM_MIN (PANEL, pass->n_bins - panel * PANEL);

  for (int t = 0; t < n; t += GROUP) {
    NAME (send_for) (pass, next_first + t, next_panel);
    NAME (ratio)
    (pass, first + t, AVM_MIN (GROUP, n - t), panel, r + t * PANEL, sum, cost);
  }
  for (int k = 0; k < pass->n_components; k += GROUP)
    for (int f = 0; f < n_bins; f += VECS * LANES)
      FOR_VECTORS (n_bins - f, NAME (gather_p), r + f, h + k, pass->k_stride, n,
          p + k * PANEL + f);
}

static void
NAME (over_bins) (const AvmNmfPass *pass, int panel, int end, float *p,
    int p_rows, double *costs)
{
  size_t size = (size_t)p_rows * PANEL;

  memset (p + (size_t)panel * size, 0,
      (size_t)(end - panel) * size * sizeof (float));
  for (int i = panel; i < end && costs != NULL; i++)
    costs[i] = 0.0;
  for (int t = 0; t < pass->n_frames; t += BLOCK) {
    int n = AVM_MIN (BLOCK, pass->n_frames - t);

    for (int i = panel; i < end; i++) {
      int next = i + 1 < end ? i + 1 : panel;
      int next_t = i + 1 < end ? t : t + BLOCK;
      float *p_panel = p + (size_t)i * size;
      NAME (Vec) sum = {0};

      if (costs == NULL) {
        NAME (block_p)
        (pass, t, n, i, next_t, next, p_panel, &sum, false);
        continue;
      }
      NAME (block_p) (pass, t, n, i, next_t, next, p_panel, &sum, true);
      for (int j = 0; j < LANES; j++)
        costs[i] += (double)sum[j];
    }
  }
}

#undef FOR_VECTORS
#undef LANES
#undef VECS
#undef NAME
