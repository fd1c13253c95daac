/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sizes of the public structures, so that a change of the ABI is a decision.
 */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>

GST_START_TEST (test_sizes)
{
  if (sizeof (gpointer) != 8)
    return;
  fail_unless_equals_int (sizeof (GstAvmPoint), 20);
  fail_unless_equals_int (sizeof (GstAvmRegion), 56);
  fail_unless_equals_int (
      sizeof (GstAvmRegionMeta), sizeof (GstMeta) + 56 + 16);
  fail_unless_equals_int (sizeof (GstAvmEvent), 40);
  fail_unless_equals_int (sizeof (GstAvmField), 40);
  fail_unless_equals_int (sizeof (GstAvmKind), 56);
  fail_unless_equals_int (sizeof (GstAvmSeriesMap),
      16 + sizeof (GstMapInfo) + 16 + GST_PADDING * sizeof (gpointer));
  fail_unless_equals_int (sizeof (GstAvmJoin), sizeof (GstElement));
  fail_unless_equals_int (sizeof (GstAvmJoinClass),
      sizeof (GstElementClass) + (9 + GST_PADDING_LARGE) * sizeof (gpointer));
}

GST_END_TEST;

static Suite *
abi_suite (void)
{
  Suite *s = suite_create ("abi");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_sizes);
  return s;
}

GST_CHECK_MAIN (abi);
