/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the players of an ensemble are, and inside each of them the bowing
 * hand and the fingering hand, from how they move. After
 *
 *   B. Li, K. Dinesh, Z. Duan, G. Sharma: "See and listen: score-informed
 *   association of sound tracks to players in chamber music performance
 *   videos", ICASSP 2017,
 *
 * who sum up dense flow of a small picture over time, fit a Gaussian mixture
 * with one component per player, and call the part of a player that moves most
 * its region of interest. Here:
 *
 * 1. Flow (avm-dis.h, fast) of the luma at about 360 lines, averaged over cells
 *    of 6 x 6 px. What the camera does, the common motion of the cells that
 *    rest, is taken away.
 * 2. Cells that move slowly (below 2.5 Hz) are grouped by agglomeration after
 *    J. H. Ward (J. American Statistical Association 1963) of neighbours, by
 *    the course of their motion. A body moves as a whole and unlike the body
 *    beside it, so each large group is the core of one player, and the number
 *    of players comes out of the data. Groups on top of each other (a head, a
 *    lap) are one player; what moves only for a short time is none.
 * 3. A Gaussian mixture of the cells that move, with one component per player
 *    that begins in its core, says how far each player reaches; when the
 *    number is given and there are fewer cores, it also finds the missing ones.
 * 4. Flow is looked at from each player: along the path of its core and less
 *    the core's motion, so that sway is gone and every cell is a place on the
 *    player in the first picture. The bowing hand is where slow motion is
 *    greatest. What follows its strokes, arm and stick, is left out; the
 *    fingering hand is where 3.5 to 9 Hz, vibrato and finger work, are
 *    greatest in the rest, at the end of the limb that moves. Both lie where
 *    the build of a string player allows: bow on the right of the body, left
 *    hand on the other side in the upper half. The picture may be mirrored:
 *    both sides are tried, and the ratios of strokes where the bow would be,
 *    and of vibrato to strokes where the fingering hand would be, are
 *    multiplied over all players, who sit as they do or are in the mirror
 *    together.
 * 5. The hand is followed (avm-klt.h) to the first and to the last picture from
 *    the moment in which it was seen best. A bowing hand is too fast and too
 *    unlike itself for that: it is followed by its speed, and as in the paper
 *    its region is all of its reach, which goes where the body goes.
 */

#ifndef AVM_PLAYERS_H
#define AVM_PLAYERS_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_PLAYERS_MAX 16

/**
 * AvmPlayersRect: px of the picture, may reach outside of it.
 */
typedef struct {
  float x, y, w, h;
} AvmPlayersRect;

/**
 * AvmPlayersPart
 * first, last: in the first and in the last picture
 * confidence: 0..1; near 0 where nothing was seen and the place is a guess from
 *   the build of a player, as are hand and bow of who rests all the time
 */
typedef struct {
  AvmPlayersRect first, last;
  float confidence;
} AvmPlayersPart;

/**
 * AvmFoundPlayer
 * body: head to knees with the instrument, as far as it moves
 * hand: the fingering hand
 * bow: the reach of the bowing hand, everywhere that the strokes take it, and
 *   a little farther to where longer strokes would
 */
typedef struct {
  AvmPlayersPart body, hand, bow;
} AvmFoundPlayer;

typedef struct AvmPlayers AvmPlayers;

/* For pictures of width x height px, 1..16384 each. NULL: *error says why
 * (RANGE, MEMORY). Not to be used by two threads at once. Memory: the flow,
 * 4 bytes per cell and picture, and 15 small pictures a second, about 5 MB per
 * second of 16:9 video; both are allocated as pictures come. */
AvmPlayers *avm_players_new (int width, int height, AvmError *error);
void avm_players_free (AvmPlayers *players);

/* Forgets all pictures and results. */
void avm_players_reset (AvmPlayers *players);

/* The next picture: 8-bit luma, stride in bytes, which is not kept. time: s,
 * rising; pictures that come faster than 32 a second are partly left out.
 * False: out of memory (the picture is left out). */
bool avm_players_push (AvmPlayers *players, const uint8_t *luma,
    ptrdiff_t stride, double time, AvmError *error);

/* s from the first picture to the last one; 0 before the second */
double avm_players_span (const AvmPlayers *players);

/* Looks for players in all pictures since new or reset, from left to right.
 * n_players: how many there are, 0 .. AVM_PLAYERS_MAX, 0: to be found out.
 * want_first: whether `first` of hands and bows is wanted as well, which takes
 * longer. Returns how many were found, which may be fewer than given, or none;
 * -1: *error says why (RANGE, MEMORY). Takes 0.1 to 0.5 s for five seconds of
 * video. */
int avm_players_find (
    AvmPlayers *players, int n_players, bool want_first, AvmError *error);

/* The last avm_players_find; NULL when there is no such player. */
const AvmFoundPlayer *avm_players_get (const AvmPlayers *players, int index);

#ifdef __cplusplus
}
#endif
#endif /* AVM_PLAYERS_H */
