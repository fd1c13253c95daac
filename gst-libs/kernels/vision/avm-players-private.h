/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inside avm-players: the history of the flow, and the steps of the search.
 */

#ifndef AVM_PLAYERS_PRIVATE_H
#define AVM_PLAYERS_PRIVATE_H

#include "vision/avm-players.h"

/* Side of a cell, px of the small picture */
#define AVM_PLAYERS_CELL 6
/* Flow is kept in these parts of a px */
#define AVM_PLAYERS_STEPS 256.0f

/**
 * AvmPlayersFlow: the flow of all cells over time.
 * frames: n pointers to cells x (u, v), 1 / AVM_PLAYERS_STEPS px per picture
 * rate: pictures per second
 */
typedef struct {
  int cw, ch, cells, n;
  double rate;
  const int16_t *const *frames;
} AvmPlayersFlow;

/**
 * AvmPlayersBody: the core of a player.
 * cells, n_cells: indices of its cells
 * x, y: centroid; x0 .. y1: extent, 5 % of the cells beyond each side, cells
 * size: root of the area of the core, cells
 */
typedef struct {
  int n_cells;
  int *cells;
  double x, y, x0, y0, x1, y1;
  double size;
  double persistence; /* median over mean energy of eighths of the time */
} AvmPlayersBody;

/**
 * AvmPlayersBodies
 * owner: per cell, the player whose component explains it best, -1 where
 *   nothing moves
 */
typedef struct {
  int n;
  AvmPlayersBody bodies[AVM_PLAYERS_MAX];
  int *owner;
} AvmPlayersBodies;

/* Steps 1 to 3. False: *error says why; the result is empty then. */
bool avm_players_find_bodies (const AvmPlayersFlow *flow, int n_players,
    AvmPlayersBodies *bodies, AvmError *error);
void avm_players_clear_bodies (AvmPlayersBodies *bodies);

/**
 * AvmPlayersSeen: where and when a part was seen best.
 * x, y: cells, in the first picture if it moved with the body only
 * frame: of the flow; the part is at (x, y) plus the body's path there
 * score: energy over that of the noise
 */
typedef struct {
  double x, y;
  int frame;
  double score;
} AvmPlayersSeen;

/**
 * AvmPlayersLimbs
 * reach: left, top, right and bottom of where the middle of the bowing hand
 *   goes, cells, in the first picture
 * bow_score: as that of AvmPlayersSeen
 * plays: 0..1; near 0 for who rests all the time, whose limbs are guesses
 * path: n + 1 x (x, y), cells, where the body is
 */
typedef struct {
  AvmPlayersSeen hand;
  double reach[4];
  double bow_score;
  double plays;
  float *path;
} AvmPlayersLimbs;

/* Step 4. hand_size: cells. limbs: bodies->n results whose `path` belongs to
 * the caller. False: *error says why. */
bool avm_players_find_limbs (const AvmPlayersFlow *flow,
    const AvmPlayersBodies *bodies, double hand_size, AvmPlayersLimbs *limbs,
    AvmError *error);

/* Zero-phase filters of a row of n samples, half a kernel of 0.3 s */
typedef struct {
  int half;
  float taps[64]; /* half + 1, the middle first */
} AvmPlayersFilter;

/* Passes lo to hi Hz; lo <= 0: a low-pass of gain 1. */
void avm_players_filter_init (
    AvmPlayersFilter *filter, double lo, double hi, double rate);
/* in and out: n samples, not the same memory */
void avm_players_filter (
    const AvmPlayersFilter *filter, const float *in, float *out, int n);

/* The q-quantile (0..1) of n numbers, which are reordered */
float avm_players_quantile (float *values, int n, double q);

#endif /* AVM_PLAYERS_PRIVATE_H */
