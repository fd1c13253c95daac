/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The people behind the faces: what the diarisation found, and what a person
 * says of it in a file of labels.
 *
 * Numbers of musicians and poses in files and events are those that the
 * diarisation gave, whatever is said of them, so that a file of labels fits the
 * next run. Musicians who have one name are one person; the lowest of their
 * numbers is the person's, and the poses of the second follow upon those of the
 * first, and so on.
 */

#ifndef __AVM_PNP_PEOPLE_H__
#define __AVM_PNP_PEOPLE_H__

#include "avmpnplabels.h"
#include "learn/avm-diarise.h"

G_BEGIN_DECLS

/* Of whose part nothing is said; -1 is "none" */
#define AVM_PNP_PART_UNKNOWN (-2)

/**
 * AvmPnpMusician: as the diarisation found it
 * person: the lowest number of the musicians who are the same person
 * current: number by which the diarisation knows the person
 * first_pose: of its poses among those of the person
 * length: for how long it is seen, ns; of its poses
 * name, part: of the person; in that of the lowest number
 * said_part: whether the labels say it
 */
typedef struct {
  gint person, current;
  gint n_poses, first_pose;
  GstClockTime length, *pose_lengths;
  gchar *name;
  gint part;
  gboolean said_part;
} AvmPnpMusician;

/**
 * AvmPnpSeen: a sighting
 * musician, pose: as found
 * length: for how long it stands, ns; 0: it does not count any more
 */
typedef struct {
  gint musician, pose, view;
  gfloat confidence;
  GstClockTime length;
} AvmPnpSeen;

typedef struct {
  AvmDiarise *diarise;
  guint n_musicians, n_seen;
  AvmPnpMusician *musicians;
  AvmPnpSeen *seen;
} AvmPnpPeople;

/* After a run of @diarise, which must outlive it. @lengths: of all sightings */
AvmPnpPeople *avm_pnp_people_new (
    AvmDiarise *diarise, const GstClockTime *lengths);
void avm_pnp_people_free (AvmPnpPeople *people);

/* Person and pose, among those of the person, of a sighting */
gint avm_pnp_people_person (const AvmPnpPeople *people, guint sighting);
gint avm_pnp_people_pose (const AvmPnpPeople *people, guint sighting);
/* NULL: nobody said it */
const gchar *avm_pnp_people_name (const AvmPnpPeople *people, gint person);
guint avm_pnp_people_count (const AvmPnpPeople *people);

/* Joins musicians of one name, sets names and parts. @names: name of a part to
 * its number + 1, or NULL where no notes came; @parts: the numbers of those
 * that have notes. What is right is applied in any case; FALSE: *error says,
 * translated, what the first thing is that is not. */
gboolean avm_pnp_people_apply (AvmPnpPeople *people, const gchar *path,
    const GPtrArray *labels, GHashTable *names, GError **error);

/* The table that a person is to fill in: the musicians who are asked for, the
 * most telling first, with their poses; what @labels (or NULL) say is in it.
 * @questions: how many of those of whom nothing is said, 0: all.
 * @has_sheet: whether there is a sheet of a musician and pose */
GPtrArray *avm_pnp_people_table (const AvmPnpPeople *people,
    const GPtrArray *labels, guint questions,
    gboolean (*has_sheet) (gpointer user, gint musician, gint pose),
    gpointer user);
/* Name of the file of a sheet */
gchar *avm_pnp_sheet_name (gint musician, gint pose);

G_END_DECLS

#endif /* __AVM_PNP_PEOPLE_H__ */
