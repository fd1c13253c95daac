/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmtestsrc
 * @title: avmtestsrc
 * @short_description: a virtual string ensemble, seen and heard, and the truth
 *
 * avmtestsrc is to this collection what videotestsrc is to video: a source
 * that needs no file. One to eight string players, or an orchestra of up to
 * forty, perform a piece of a built-in composer, or a given MIDI file, and are
 * filmed. What they play, how
 * they bow, finger and vibrate and where they are in the picture is known, and
 * comes as typed streams beside sound and picture.
 *
 * Every pad is on request and has a thread of its own. Any of them can be left
 * out, none waits for another, and what a pad gives depends on the properties
 * and its caps alone: the same #GstAvmTestSrc:seed gives the same performance
 * however many pads there are.
 *
 * * `video`: video/x-raw, I420, YV12 or GRAY8, any size up to 4096x4096, any
 *   frame rate; 1280x720 at 30/1 unless downstream asks for something else.
 * * `video_%u`: the same of one camera alone (0 is the first), see
 *   #GstAvmTestSrc:cameras; `video` is camera 0, or what an editor makes of all
 *   of them where #GstAvmTestSrc:cuts is not 0.
 * * `audio`: audio/x-raw, the mix, panned by seat; 48 kHz stereo by default.
 * * `audio_%u`: the sound of one part of the score alone (0 is the first),
 *   mono by default; silence where the score has no such part.
 * * `notes`: events of kind `note`, as performed; region: the player's.
 *   `pitch` (d, MIDI, as written), `velocity` (i), `score-onset` (d, s),
 *   `score-duration` (d, s), `score-beat` (d, quarter notes).
 * * `vibrato`: events of kind `vibrato`, one per note; region: the hand's.
 *   `vibrato` (b), `rate` (d, Hz, mean while it vibrates), `extent` (d, cents
 *   peak to trough, mean while it vibrates), `pitch` (d, MIDI), `method`
 *   ("truth"), `used` ("none").
 * * `activity`: events of kind `activity`; region: the player's. `playing` (b);
 *   rests under half a second count as playing.
 * * `association`: events of kind `association`, one per region, over the whole
 *   performance.
 * * `appearance`: events of kind `appearance`, for every camera while at least
 *   half of a face is in its picture and looks the same way; region: the
 *   face's. x, y, w, h: mean of the face's box in px of the pad `video_%u` of
 *   that camera, or else of `video`. Looked at every 0.25 s; made before the
 *   first event is given (some seconds for half an hour of four cameras).
 * * `shots`: events of kind `shot` of the `video` pad; `camera` (i): whose
 *   picture it is, in an ensemble the number of the framing.
 * * `regions`: series of kind `region` at the frame rate and in px of the
 *   `video` pad, channels x, y, w, h per region. Without that pad: px of
 *   1280x720, at any rate that downstream asks for.
 *
 * Region ids: player 101, hand 201, bow 301, face 401, plus the seat (0 is the
 * leftmost). Seats of an ensemble are not in the order of parts. Events come
 * one per buffer in order of onset with GAPs between them; they are not bound
 * to the clock and run ahead of sound and picture unless
 * #GstAvmTestSrc:is-live is set.
 *
 * The performance: tempo fluctuates, players are not quite together, bow
 * strokes begin 10 to 40 ms before their sound and reverse on most but not all
 * onsets, vibrato of 5 to 8 Hz and 20 to 80 cents (peak to trough) lies on a
 * share of the stopped notes of half a second or more and rolls the hand by 0.5
 * to 2.5 px (at 1080 lines), bodies sway by 5 to 40 px at 0.2 to 1.5 Hz.
 *
 * With #GstAvmTestSrc:scene `orchestra` the players sit in rows on risers, all
 * in black, several to a part (five parts: two of violins, violas, cellos,
 * basses; or those of the given score, eight at most). The sections rest for
 * whole phrases of 3 to 20 s (in a given score, where it says so) and play for
 * 4 to 25 s; now and then one player leaves out what the others play. In a long
 * rest the instrument goes to the lap, and it comes up again 0.5 to 2 s before
 * the next entry; heads turn to the music, the hand, the conductor or a
 * neighbour, differently in rest. Camera 0 shows everybody, with faces some 27
 * px wide at 720 lines; the others show parts of the orchestra from elsewhere,
 * with faces of 40 to 50 px of which those in front cover some.
 *
 * Players of an orchestra are numbered by part and by desk and called "v1-1",
 * "v2-3", "va-1", "vc-2", "db-1"; `activity` and `appearance` give the name
 * (`player`) and the number (`cluster`), and region ids are 101, 201, 301 and
 * 401 plus the number. A note's region is that of the section's leader. Regions
 * are attached only of what is in the picture and not wholly covered; there,
 * those in front count as cover. #GstAvmTestSrc:face-location puts heads of
 * your own on some of them.
 *
 * With more players than parts, parts are doubled; with fewer, the first parts
 * are played. #GstAvmTestSrc:write-score keeps the score that is played as a
 * MIDI file for alignment.
 *
 * Seeks by time, forward, while it is not live; EOS sent to the element ends
 * all pads. Latency: none; live, one buffer of sound, 40 ms for a frame, 100 ms
 * for events. Memory: the score, and pictures of room and players (some tens of
 * MB at 1920x1080, for `video` and again for `regions`; of an orchestra of forty
 * 100 to 190 MB at 1280x720 for each camera that a pad shows, and a second to
 * paint it).
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e avmtestsrc name=t players=4 num-seconds=10 write-score=quartet.mid mp4mux name=m ! filesink location=quartet.mp4 t.video ! queue ! video/x-raw,width=1280,height=720,framerate=30000/1001 ! videoconvert ! x264enc ! m. t.audio ! queue ! audioconvert ! avenc_aac ! m.
 * ]| A film of a string quartet and its score.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=10 t.vibrato ! avmeventenc ! application/x-ndjson ! filesink location=truth.jsonl
 * ]| Which of the same notes are played with vibrato.
 * |[
 * gst-launch-1.0 -e avmtestsrc name=t scene=orchestra players=40 cameras=3 cuts=40 num-seconds=5 t.video ! queue ! videoconvert ! x264enc ! mp4mux ! filesink location=orchestra.mp4 t.activity ! queue ! avmeventenc ! application/x-ndjson ! filesink location=activity.jsonl
 * ]| A cut film of an orchestra, and who plays when.
 * |[
 * gst-launch-1.0 -e avmtestsrc name=t scene=orchestra players=12 cameras=2 num-seconds=5 t.video_0 ! queue ! video/x-raw,framerate=1/1 ! videoconvert ! pngenc ! multifilesink location=whole-%02d.png t.video_1 ! queue ! video/x-raw,framerate=1/1 ! videoconvert ! pngenc ! multifilesink location=right-%02d.png
 * ]| One frame a second of two cameras.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrc.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "gstavmtestsrcpad.h"
#include "scene/avm-scorebook.h"
#include "score/avm-smf.h"

#include "../common/avmscoreerror.h"

GST_DEBUG_CATEGORY (avm_test_src_debug);
#define GST_CAT_DEFAULT avm_test_src_debug

#define DEFAULT_SEED 0
#define DEFAULT_PIECE 1
#define DEFAULT_SCENE GST_AVM_TEST_SRC_SCENE_ENSEMBLE
#define DEFAULT_PLAYERS 4
#define DEFAULT_CAMERAS 1
#define DEFAULT_ABSENCE 0.03
#define DEFAULT_NUM_SECONDS 0.0
#define DEFAULT_TEMPO_FLUCTUATION 0.04
#define DEFAULT_ASYNCHRONY 0.012
#define DEFAULT_VIBRATO_SHARE 0.6
#define DEFAULT_TUNING 442.0
#define DEFAULT_SWAY 1.0
#define DEFAULT_AUDIO_NOISE 0.0003
#define DEFAULT_REVERB 0.15
#define DEFAULT_CAMERA_NOISE 2.0
#define DEFAULT_SHAKE 0.0
#define DEFAULT_PAN 0.0
#define DEFAULT_OCCLUSION 0.0
#define DEFAULT_CUTS 0.0
#define DEFAULT_IS_LIVE FALSE
#define DEFAULT_ATTACH_REGIONS FALSE

#define PIECE_SECONDS 60.0
#define TAIL_SECONDS 1.2

enum {
  PROP_0,
  PROP_SEED,
  PROP_PIECE,
  PROP_SCORE,
  PROP_WRITE_SCORE,
  PROP_SCENE,
  PROP_PLAYERS,
  PROP_CAMERAS,
  PROP_ABSENCE,
  PROP_FACE_LOCATION,
  PROP_NUM_SECONDS,
  PROP_TEMPO_FLUCTUATION,
  PROP_ASYNCHRONY,
  PROP_VIBRATO_SHARE,
  PROP_TUNING,
  PROP_SWAY,
  PROP_AUDIO_NOISE,
  PROP_REVERB,
  PROP_CAMERA_NOISE,
  PROP_SHAKE,
  PROP_PAN,
  PROP_OCCLUSION,
  PROP_CUTS,
  PROP_IS_LIVE,
  PROP_ATTACH_REGIONS
};

#define VIDEO_CAPS                                                             \
  "video/x-raw, format = (string) { I420, YV12, GRAY8 }, "                     \
  "width = (int) [ 1, 4096 ], height = (int) [ 1, 4096 ], "                    \
  "framerate = (fraction) [ 1/1000, 1000/1 ]"
#define AUDIO_CAPS                                                             \
  "audio/x-raw, format = (string) { " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (   \
      S16) " }, layout = (string) interleaved, rate = (int) [ 4000, 384000 ]," \
           " channels = (int) [ 1, 2 ]"

static GstStaticPadTemplate templates[AVM_TEST_N_STREAMS] = {
    GST_STATIC_PAD_TEMPLATE (
        "video", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (VIDEO_CAPS)),
    GST_STATIC_PAD_TEMPLATE (
        "video_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (VIDEO_CAPS)),
    GST_STATIC_PAD_TEMPLATE (
        "audio", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (AUDIO_CAPS)),
    GST_STATIC_PAD_TEMPLATE (
        "audio_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (AUDIO_CAPS)),
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note"))),
    GST_STATIC_PAD_TEMPLATE ("vibrato", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("vibrato"))),
    GST_STATIC_PAD_TEMPLATE ("activity", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("activity"))),
    GST_STATIC_PAD_TEMPLATE ("association", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("association"))),
    GST_STATIC_PAD_TEMPLATE ("appearance", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("appearance"))),
    GST_STATIC_PAD_TEMPLATE ("shots", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("shot"))),
    GST_STATIC_PAD_TEMPLATE ("regions", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("region"))),
};

#define gst_avm_test_src_parent_class parent_class
G_DEFINE_TYPE (GstAvmTestSrc, gst_avm_test_src, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (
    avmtestsrc, "avmtestsrc", GST_RANK_NONE, GST_TYPE_AVM_TEST_SRC);

static void gst_avm_test_src_finalize (GObject *object);
static void gst_avm_test_src_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
static void gst_avm_test_src_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
static GstPad *gst_avm_test_src_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *name, const GstCaps *caps);
static void gst_avm_test_src_release_pad (GstElement *element, GstPad *pad);
static GstStateChangeReturn gst_avm_test_src_change_state (
    GstElement *element, GstStateChange transition);
static gboolean gst_avm_test_src_send_event (
    GstElement *element, GstEvent *event);

GType
gst_avm_test_src_scene_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_AVM_TEST_SRC_SCENE_ENSEMBLE,
          "One to eight players side by side in a room", "ensemble"},
      {GST_AVM_TEST_SRC_SCENE_ORCHESTRA,
          "Sections of an orchestra in rows in a hall", "orchestra"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmTestSrcScene", values));
  return type;
}

#define FLAGS                                                                  \
  (GParamFlags) (                                                              \
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_double (GObjectClass *klass, guint id, const gchar *name,
    const gchar *nick, const gchar *blurb, gdouble lo, gdouble hi, gdouble def)
{
  g_object_class_install_property (
      klass, id, g_param_spec_double (name, nick, blurb, lo, hi, def, FLAGS));
}

static void
install_performance (GObjectClass *klass)
{
  /**
   * GstAvmTestSrc:seed:
   *
   * Everything that is left to chance: the performance, the sound and the
   * looks. The music is chosen by #GstAvmTestSrc:piece.
   */
  g_object_class_install_property (klass, PROP_SEED,
      g_param_spec_uint64 ("seed", "Seed",
          "Seed of all chance; the same seed gives the same performance", 0,
          G_MAXUINT64, DEFAULT_SEED, FLAGS));
  /**
   * GstAvmTestSrc:piece:
   *
   * Number of the piece to compose; every number is another piece.
   */
  g_object_class_install_property (klass, PROP_PIECE,
      g_param_spec_uint64 ("piece", "Piece",
          "Number of the built-in piece, when no score is given", 0,
          G_MAXUINT64, DEFAULT_PIECE, FLAGS));
  /**
   * GstAvmTestSrc:score:
   *
   * A Standard MIDI File to perform instead of a built-in piece.
   */
  g_object_class_install_property (klass, PROP_SCORE,
      g_param_spec_string ("score", "Score",
          "MIDI file to perform instead of a built-in piece", NULL, FLAGS));
  /**
   * GstAvmTestSrc:write-score:
   *
   * Where to write, from READY to PAUSED, the score that is played, as a
   * Standard MIDI File at its nominal tempo: what a performer would be given,
   * not what was played.
   */
  g_object_class_install_property (klass, PROP_WRITE_SCORE,
      g_param_spec_string ("write-score", "Write score",
          "File to write the nominal score to, as MIDI", NULL, FLAGS));
  /**
   * GstAvmTestSrc:scene:
   *
   * What is filmed. An orchestra has rests, several players to a part, and
   * several cameras.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SCENE,
      g_param_spec_enum ("scene", "Scene", "What is filmed",
          GST_TYPE_AVM_TEST_SRC_SCENE, DEFAULT_SCENE, FLAGS));
  /**
   * GstAvmTestSrc:players:
   *
   * How many play, 1 to 8; in an orchestra 1 to 40. Parts beyond that are left
   * out; players beyond the parts of a score double them.
   */
  g_object_class_install_property (klass, PROP_PLAYERS,
      g_param_spec_uint ("players", "Players",
          "Number of players, 1 to 8, in an orchestra to 40", 1,
          AVM_ORCHESTRA_MAX_PLAYERS, DEFAULT_PLAYERS, FLAGS));
  /**
   * GstAvmTestSrc:cameras:
   *
   * How many cameras film an orchestra: 0 from the front all of it, 1 and 2
   * from left and right the half opposite, 3 the middle.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CAMERAS,
      g_param_spec_uint ("cameras", "Cameras",
          "Number of cameras that film an orchestra", 1, AVM_HALL_MAX_CAMERAS,
          DEFAULT_CAMERAS, FLAGS));
  /**
   * GstAvmTestSrc:absence:
   *
   * How many of a section's entries each of an orchestra's players leaves out.
   *
   * Since: 0.1
   */
  install_double (klass, PROP_ABSENCE, "absence", "Absence",
      "Share of its section's entries that a player of an orchestra leaves "
      "out, "
      "0 to 1",
      0.0, 1.0, DEFAULT_ABSENCE);
  /**
   * GstAvmTestSrc:face-location:
   *
   * A folder of pictures (.png, .jpg), each of one head from the front, cropped
   * to hair, chin and ears, three wide and four high. As many players of an
   * orchestra, drawn by lot, get these heads; the others keep painted ones.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_FACE_LOCATION,
      g_param_spec_string ("face-location", "Face location",
          "Folder of pictures of heads for the players of an orchestra", NULL,
          FLAGS));
  /**
   * GstAvmTestSrc:num-seconds:
   *
   * Length of the performance: a built-in piece is composed to fit (0: about a
   * minute), a given score is cut (0: played to its end).
   */
  install_double (klass, PROP_NUM_SECONDS, "num-seconds", "Number of seconds",
      "Length of the performance in s; 0: the whole score", 0.0, 36000.0,
      DEFAULT_NUM_SECONDS);
  install_double (klass, PROP_TEMPO_FLUCTUATION, "tempo-fluctuation",
      "Tempo fluctuation",
      "Standard deviation of the local tempo as a share of the tempo, 0 to 0.5",
      0.0, 0.5, DEFAULT_TEMPO_FLUCTUATION);
  install_double (klass, PROP_ASYNCHRONY, "asynchrony", "Asynchrony",
      "Standard deviation of the players' onsets in s, 0 to 0.2", 0.0, 0.2,
      DEFAULT_ASYNCHRONY);
  install_double (klass, PROP_VIBRATO_SHARE, "vibrato-share", "Vibrato share",
      "Share of the stopped notes of 0.5 s or more with vibrato, 0 to 1", 0.0,
      1.0, DEFAULT_VIBRATO_SHARE);
  install_double (klass, PROP_TUNING, "tuning", "Tuning",
      "Pitch of A4 in Hz, 300 to 600", 300.0, 600.0, DEFAULT_TUNING);
  install_double (klass, PROP_SWAY, "sway", "Sway",
      "Scale of the body motion, 0 to 10; 1: 5 to 40 px at 1080 lines", 0.0,
      10.0, DEFAULT_SWAY);
}

static void
install_recording (GObjectClass *klass)
{
  install_double (klass, PROP_AUDIO_NOISE, "audio-noise", "Audio noise",
      "White noise in the sound, rms, full scale 1", 0.0, 1.0,
      DEFAULT_AUDIO_NOISE);
  install_double (klass, PROP_REVERB, "reverb", "Reverb",
      "Share of the room in the sound, 0 to 1", 0.0, 1.0, DEFAULT_REVERB);
  install_double (klass, PROP_CAMERA_NOISE, "camera-noise", "Camera noise",
      "Noise in the picture, standard deviation in 8-bit luma levels, 0 to 64",
      0.0, 64.0, DEFAULT_CAMERA_NOISE);
  install_double (klass, PROP_SHAKE, "shake", "Shake",
      "Camera held by hand, rms in px at 1080 lines, 0 to 20", 0.0, 20.0,
      DEFAULT_SHAKE);
  install_double (klass, PROP_PAN, "pan", "Pan",
      "Slow turns of the camera, +- px at 1080 lines, 0 to 120", 0.0, 120.0,
      DEFAULT_PAN);
  install_double (klass, PROP_OCCLUSION, "occlusion", "Occlusion",
      "How often per minute something covers a fingering hand, or somebody "
      "walks past a camera of the orchestra, 0 to 60",
      0.0, 60.0, DEFAULT_OCCLUSION);
  install_double (klass, PROP_CUTS, "cuts", "Cuts",
      "Excursions to another framing per minute, or cuts to another camera of "
      "the orchestra, 0 to 60",
      0.0, 60.0, DEFAULT_CUTS);
  /**
   * GstAvmTestSrc:is-live:
   *
   * Give each buffer when the clock has come to it, as a camera would.
   */
  g_object_class_install_property (klass, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Whether to act as a live source", DEFAULT_IS_LIVE, FLAGS));
  /**
   * GstAvmTestSrc:attach-regions:
   *
   * Give each frame the true regions as #GstAvmRegionMeta; the confidence is
   * the share of the region that can be seen.
   */
  g_object_class_install_property (klass, PROP_ATTACH_REGIONS,
      g_param_spec_boolean ("attach-regions", "Attach regions",
          "Whether video frames carry the true regions as metas",
          DEFAULT_ATTACH_REGIONS, FLAGS));
}

static void
gst_avm_test_src_class_init (GstAvmTestSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      avm_test_src_debug, "avmtestsrc", 0, "Virtual ensemble");

  object_class->finalize = gst_avm_test_src_finalize;
  object_class->set_property = gst_avm_test_src_set_property;
  object_class->get_property = gst_avm_test_src_get_property;
  install_performance (object_class);
  install_recording (object_class);

  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_avm_test_src_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR (gst_avm_test_src_release_pad);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_avm_test_src_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (gst_avm_test_src_send_event);

  for (guint i = 0; i < AVM_TEST_N_STREAMS; i++)
    gst_element_class_add_static_pad_template_with_gtype (
        element_class, &templates[i], GST_TYPE_AVM_TEST_SRC_PAD);
  gst_element_class_set_static_metadata (element_class, "Virtual ensemble",
      "Source/Video/Audio",
      "Performs and films a score with virtual string players and tells the "
      "truth about it",
      "The avm developers");
  gst_type_mark_as_plugin_api (GST_TYPE_AVM_TEST_SRC_PAD, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_AVM_TEST_SRC_SCENE, 0);
}

static void
gst_avm_test_src_init (GstAvmTestSrc *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->setup.seed = DEFAULT_SEED;
  self->setup.scene = DEFAULT_SCENE;
  self->setup.players = DEFAULT_PLAYERS;
  self->setup.cameras = DEFAULT_CAMERAS;
  self->setup.audio_noise = DEFAULT_AUDIO_NOISE;
  self->setup.reverb = DEFAULT_REVERB;
  self->setup.camera_noise = DEFAULT_CAMERA_NOISE;
  self->setup.shake = DEFAULT_SHAKE;
  self->setup.pan = DEFAULT_PAN;
  self->setup.occlusion = DEFAULT_OCCLUSION;
  self->setup.cuts = DEFAULT_CUTS;
  self->setup.is_live = DEFAULT_IS_LIVE;
  self->setup.attach_regions = DEFAULT_ATTACH_REGIONS;
  self->piece = DEFAULT_PIECE;
  self->num_seconds = DEFAULT_NUM_SECONDS;
  self->tempo_fluctuation = DEFAULT_TEMPO_FLUCTUATION;
  self->asynchrony = DEFAULT_ASYNCHRONY;
  self->vibrato_share = DEFAULT_VIBRATO_SHARE;
  self->tuning = DEFAULT_TUNING;
  self->sway = DEFAULT_SWAY;
  self->absence = DEFAULT_ABSENCE;
  self->running = self->setup;
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}

static void
gst_avm_test_src_finalize (GObject *object)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (object);

  avm_orchestra_free (self->orchestra);
  avm_ensemble_free (self->ensemble);
  g_free (self->score);
  g_free (self->write_score);
  g_free (self->face_location);
  g_clear_pointer (&self->faces, g_ptr_array_unref);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* Where a property of type double is kept; NULL for the others. */
static gdouble *
double_property (GstAvmTestSrc *self, guint id)
{
  switch (id) {
    case PROP_NUM_SECONDS:
      return &self->num_seconds;
    case PROP_TEMPO_FLUCTUATION:
      return &self->tempo_fluctuation;
    case PROP_ASYNCHRONY:
      return &self->asynchrony;
    case PROP_VIBRATO_SHARE:
      return &self->vibrato_share;
    case PROP_TUNING:
      return &self->tuning;
    case PROP_SWAY:
      return &self->sway;
    case PROP_ABSENCE:
      return &self->absence;
    case PROP_AUDIO_NOISE:
      return &self->setup.audio_noise;
    case PROP_REVERB:
      return &self->setup.reverb;
    case PROP_CAMERA_NOISE:
      return &self->setup.camera_noise;
    case PROP_SHAKE:
      return &self->setup.shake;
    case PROP_PAN:
      return &self->setup.pan;
    case PROP_OCCLUSION:
      return &self->setup.occlusion;
    case PROP_CUTS:
      return &self->setup.cuts;
    default:
      return NULL;
  }
}

static void
gst_avm_test_src_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (object);
  gdouble *number = double_property (self, id);

  GST_OBJECT_LOCK (self);
  if (number != NULL) {
    *number = g_value_get_double (value);
    GST_OBJECT_UNLOCK (self);
    return;
  }
  switch (id) {
    case PROP_SEED:
      self->setup.seed = g_value_get_uint64 (value);
      break;
    case PROP_PIECE:
      self->piece = g_value_get_uint64 (value);
      break;
    case PROP_SCORE:
      g_free (self->score);
      self->score = g_value_dup_string (value);
      break;
    case PROP_WRITE_SCORE:
      g_free (self->write_score);
      self->write_score = g_value_dup_string (value);
      break;
    case PROP_FACE_LOCATION:
      g_free (self->face_location);
      self->face_location = g_value_dup_string (value);
      break;
    case PROP_SCENE:
      self->setup.scene = (GstAvmTestSrcScene)g_value_get_enum (value);
      break;
    case PROP_PLAYERS:
      self->setup.players = g_value_get_uint (value);
      break;
    case PROP_CAMERAS:
      self->setup.cameras = g_value_get_uint (value);
      break;
    case PROP_IS_LIVE:
      self->setup.is_live = g_value_get_boolean (value);
      break;
    case PROP_ATTACH_REGIONS:
      self->setup.attach_regions = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_test_src_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (object);
  const gdouble *number = double_property (self, id);

  GST_OBJECT_LOCK (self);
  if (number != NULL) {
    g_value_set_double (value, *number);
    GST_OBJECT_UNLOCK (self);
    return;
  }
  switch (id) {
    case PROP_SEED:
      g_value_set_uint64 (value, self->setup.seed);
      break;
    case PROP_PIECE:
      g_value_set_uint64 (value, self->piece);
      break;
    case PROP_SCORE:
      g_value_set_string (value, self->score);
      break;
    case PROP_WRITE_SCORE:
      g_value_set_string (value, self->write_score);
      break;
    case PROP_FACE_LOCATION:
      g_value_set_string (value, self->face_location);
      break;
    case PROP_SCENE:
      g_value_set_enum (value, (gint)self->setup.scene);
      break;
    case PROP_PLAYERS:
      g_value_set_uint (value, self->setup.players);
      break;
    case PROP_CAMERAS:
      g_value_set_uint (value, self->setup.cameras);
      break;
    case PROP_IS_LIVE:
      g_value_set_boolean (value, self->setup.is_live);
      break;
    case PROP_ATTACH_REGIONS:
      g_value_set_boolean (value, self->setup.attach_regions);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* -- score and performance ----------------------------------------------- */

static AvmScore *
compose (const GstAvmTestSrcSetup *setup, const AvmEnsembleConfig *c,
    guint64 piece, AvmError *error)
{
  gboolean orchestra = setup->scene == GST_AVM_TEST_SRC_SCENE_ORCHESTRA;
  gdouble room = c->duration > 0.0 ? c->duration : PIECE_SECONDS;
  gint n_parts = orchestra ? MIN ((gint)setup->players, AVM_ORCHESTRA_PARTS)
                           : c->n_players;
  AvmScore *score, *arranged;

  room = (room - c->lead_in - TAIL_SECONDS) / (1.0 + c->tempo_fluctuation);
  score = avm_scorebook_compose (piece, n_parts, MAX (room, 0.5), error);
  if (!orchestra || score == NULL)
    return score;
  arranged = avm_orchestra_arrange (score, piece, error);
  avm_score_free (score);
  return arranged;
}

/* Of an orchestra, a score's parts are the sections. */
static AvmScore *
get_score (GstAvmTestSrc *self, const gchar *path, AvmEnsembleConfig *c,
    guint64 piece, AvmError *error)
{
  AvmScore *score = path != NULL && path[0] != '\0'
      ? avm_smf_read (path, error)
      : compose (&self->running, c, piece, error);

  if (score != NULL
      && self->running.scene == GST_AVM_TEST_SRC_SCENE_ORCHESTRA) {
    gint n_parts = CLAMP ((gint)score->n_parts, 1, AVM_ENSEMBLE_MAX_PLAYERS);

    c->n_players = MIN (c->n_players, n_parts);
  }
  return score;
}

/* The parts that are played, up to the last note that is. */
static AvmScore *
played_score (const AvmScore *score, const AvmEnsemble *ensemble)
{
  AvmScore *played = avm_score_new ();
  size_t n, n_parts;
  const AvmPerformedNote *notes = avm_ensemble_notes (ensemble, &n);
  gdouble last = 0.0;
  gboolean ok = played != NULL;

  n_parts = MIN (score->n_parts, (size_t)avm_ensemble_n_players (ensemble));
  for (size_t i = 0; i < n; i++)
    last = MAX (last, notes[i].score_onset);
  for (size_t i = 0; ok && i < n_parts; i++)
    ok = avm_score_add_part (played, score->parts[i].name,
             score->parts[i].program, score->parts[i].channel)
        >= 0;
  for (size_t i = 0; ok && i < score->n_tempos; i++)
    ok = avm_score_add_tempo (
        played, score->tempos[i].beat, score->tempos[i].us_per_beat);
  for (size_t i = 0; ok && i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (note->onset <= last && (size_t)note->part < n_parts)
      ok = avm_score_add_note (played, note);
  }
  if (!ok) {
    avm_score_free (played);
    return NULL;
  }
  avm_score_sort (played);
  return played;
}

static gboolean
write_score (GstAvmTestSrc *self, const AvmScore *score, const gchar *path)
{
  AvmError error = {AVM_ERROR_MEMORY, -1, "out of memory"};
  AvmScore *played = played_score (score, self->ensemble);
  gboolean ok = played != NULL && avm_smf_write (played, path, &error);

  avm_score_free (played);
  if (!ok)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
        (_ ("The score cannot be written to \"%s\". Check that the folder "
            "exists and has room."),
            path),
        ("%s", error.detail));
  return ok;
}

static gboolean
check_players (GstAvmTestSrc *self)
{
  if (self->running.scene == GST_AVM_TEST_SRC_SCENE_ORCHESTRA
      || self->running.players <= AVM_ENSEMBLE_MAX_PLAYERS)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
      (_ ("An ensemble has no more than %d players, not %u. Set "
          "scene=orchestra, or fewer players."),
          AVM_ENSEMBLE_MAX_PLAYERS, self->running.players),
      (NULL));
  return FALSE;
}

static gboolean
make_performance (GstAvmTestSrc *self, const AvmScore *score,
    const AvmEnsembleConfig *config, gdouble absence, AvmError *error)
{
  AvmOrchestraConfig orchestra;

  self->ensemble = avm_ensemble_new (score, config, error);
  if (self->ensemble == NULL)
    return FALSE;
  if (self->running.scene != GST_AVM_TEST_SRC_SCENE_ORCHESTRA)
    return TRUE;
  avm_orchestra_config_init (&orchestra);
  orchestra.seed = self->running.seed;
  orchestra.n_players = (int)self->running.players;
  orchestra.absence = absence;
  self->orchestra = avm_orchestra_new (self->ensemble, &orchestra, error);
  return self->orchestra != NULL;
}

static void
end_performance (GstAvmTestSrc *self)
{
  g_clear_pointer (&self->orchestra, avm_orchestra_free);
  g_clear_pointer (&self->ensemble, avm_ensemble_free);
  g_clear_pointer (&self->faces, g_ptr_array_unref);
}

static gboolean
gst_avm_test_src_start (GstAvmTestSrc *self)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmEnsembleConfig config;
  g_autofree gchar *path = NULL;
  g_autofree gchar *out = NULL;
  g_autofree gchar *faces = NULL;
  AvmScore *score;
  guint64 piece;
  gdouble absence;
  gboolean ok;

  avm_ensemble_config_init (&config);
  GST_OBJECT_LOCK (self);
  self->running = self->setup;
  path = g_strdup (self->score);
  out = g_strdup (self->write_score);
  faces = g_strdup (self->face_location);
  piece = self->piece;
  config.seed = self->setup.seed;
  config.n_players = (int)self->setup.players;
  config.tempo_fluctuation = self->tempo_fluctuation;
  config.asynchrony = self->asynchrony;
  config.vibrato_share = self->vibrato_share;
  config.tuning = self->tuning;
  config.sway = self->sway;
  config.duration = self->num_seconds;
  absence = self->absence;
  GST_OBJECT_UNLOCK (self);
  if (!check_players (self))
    return FALSE;
  if (config.duration > 0.0)
    config.lead_in = MIN (config.lead_in, 0.2 * config.duration);

  score = get_score (self, path, &config, piece, &error);
  ok =
      score != NULL && make_performance (self, score, &config, absence, &error);
  if (!ok)
    gst_avm_post_score_error (
        GST_ELEMENT (self), path != NULL ? path : "", &error);
  if (ok && self->orchestra != NULL && faces != NULL && faces[0] != '\0')
    ok = gst_avm_test_src_load_faces (self, faces);
  if (ok && out != NULL && out[0] != '\0')
    ok = write_score (self, score, out);
  avm_score_free (score);
  if (ok) {
    self->duration = (GstClockTime)llround (
        avm_ensemble_duration (self->ensemble) * GST_SECOND);
    self->group_id = gst_util_group_id_next ();
    self->seek_seqnum = GST_SEQNUM_INVALID;
  } else {
    end_performance (self);
  }
  return ok;
}

/* -- pictures ------------------------------------------------------------ */

static GstCaps *
pad_caps (GstAvmTestSrc *self, const gchar *name)
{
  GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (self), name);
  GstCaps *caps = NULL;

  if (pad != NULL) {
    caps = gst_pad_get_current_caps (pad);
    if (caps == NULL)
      caps = gst_pad_get_allowed_caps (pad);
    gst_object_unref (pad);
  }
  if (caps != NULL && gst_caps_is_empty (caps))
    gst_clear_caps (&caps);
  return caps;
}

void
gst_avm_test_src_get_video_info (
    GstAvmTestSrc *self, const gchar *pad_name, GstVideoInfo *info)
{
  GstCaps *caps = pad_caps (self, pad_name);

  if (caps == NULL && !g_str_equal (pad_name, "video"))
    caps = pad_caps (self, "video");
  if (caps == NULL)
    caps = gst_static_caps_get (&templates[AVM_TEST_VIDEO].static_caps);
  caps = gst_avm_test_src_fixate_video (caps);
  if (!gst_video_info_from_caps (info, caps))
    gst_video_info_set_format (info, GST_VIDEO_FORMAT_I420, 1280, 720);
  gst_caps_unref (caps);
}

/* -- pads ---------------------------------------------------------------- */

static gint
find_stream (GstPadTemplate *templ)
{
  for (gint i = 0; i < AVM_TEST_N_STREAMS; i++) {
    if (g_str_equal (
            GST_PAD_TEMPLATE_NAME_TEMPLATE (templ), templates[i].name_template))
      return i;
  }
  return -1;
}

/* N of "audio_N" or "video_N", or the first that is free; -1: no such. */
static gint
choose_number (GstAvmTestSrc *self, const gchar *name, const gchar *prefix,
    guint64 n_numbers)
{
  guint64 number;

  if (name != NULL && g_str_has_prefix (name, prefix)
      && g_ascii_string_to_unsigned (
          name + strlen (prefix), 10, 0, n_numbers - 1, &number, NULL))
    return (gint)number;
  if (name != NULL && strchr (name, '%') == NULL)
    return -1;
  for (guint i = 0; i < n_numbers; i++) {
    g_autofree gchar *pad_name = g_strdup_printf ("%s%u", prefix, i);
    GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (self), pad_name);

    if (pad == NULL)
      return (gint)i;
    gst_object_unref (pad);
  }
  return -1;
}

static GstPad *
gst_avm_test_src_request_new_pad (GstElement *element, GstPadTemplate *templ,
    const gchar *name, const GstCaps *caps)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (element);
  gint stream = find_stream (templ), number = -1;
  g_autofree gchar *pad_name = NULL;
  GstAvmTestSrcPad *pad;
  GstPad *there;

  if (stream < 0)
    return NULL;
  if (stream == AVM_TEST_PART || stream == AVM_TEST_CAMERA) {
    const gchar *prefix = stream == AVM_TEST_PART ? "audio_" : "video_";

    number = choose_number (self, name, prefix,
        stream == AVM_TEST_PART ? AVM_ENSEMBLE_MAX_PLAYERS
                                : AVM_HALL_MAX_CAMERAS);
    if (number < 0) {
      GST_WARNING_OBJECT (self, "nothing for pad %s", GST_STR_NULL (name));
      return NULL;
    }
    pad_name = g_strdup_printf ("%s%d", prefix, number);
  } else {
    pad_name = g_strdup (templates[stream].name_template);
  }
  there = gst_element_get_static_pad (element, pad_name);
  if (there != NULL) {
    GST_WARNING_OBJECT (self, "there is a pad %s already", pad_name);
    gst_object_unref (there);
    return NULL;
  }
  pad =
      gst_avm_test_src_pad_new (templ, pad_name, (AvmTestStream)stream, number);
  if (self->ensemble == NULL)
    return gst_element_add_pad (element, GST_PAD (pad)) ? GST_PAD (pad) : NULL;
  /* the element is running */
  gst_pad_set_active (GST_PAD (pad), TRUE);
  if (!gst_element_add_pad (element, GST_PAD (pad)))
    return NULL;
  gst_avm_test_src_pad_begin (pad, self);
  return GST_PAD (pad);
}

static void
gst_avm_test_src_release_pad (GstElement *element, GstPad *pad)
{
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

static GList *
ref_pads (GstAvmTestSrc *self)
{
  GList *pads;

  GST_OBJECT_LOCK (self);
  pads = g_list_copy_deep (
      GST_ELEMENT (self)->srcpads, (GCopyFunc)gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  return pads;
}

static void
unref_pads (GList *pads)
{
  g_list_free_full (pads, gst_object_unref);
}

/* Lets all threads look again at what is asked of them. */
static void
wake (GstAvmTestSrc *self, GList *pads)
{
  for (GList *l = pads; l != NULL; l = l->next)
    gst_avm_test_src_pad_unschedule (l->data);
  g_cond_broadcast (&self->cond);
}

/* -- seeking ------------------------------------------------------------- */

static void
stop_pads (GstAvmTestSrc *self, GList *pads, guint32 seqnum, gboolean flush)
{
  for (GList *l = pads; flush && l != NULL; l = l->next) {
    GstEvent *event = gst_event_new_flush_start ();

    gst_event_set_seqnum (event, seqnum);
    gst_pad_push_event (l->data, event);
  }
  g_mutex_lock (&self->lock);
  for (GList *l = pads; l != NULL; l = l->next)
    GST_AVM_TEST_SRC_PAD (l->data)->flushing = TRUE;
  wake (self, pads);
  g_mutex_unlock (&self->lock);
  for (GList *l = pads; l != NULL; l = l->next)
    gst_pad_pause_task (l->data);
}

static void
restart_pad (GstAvmTestSrc *self, GstAvmTestSrcPad *pad,
    const GstSegment *segment, guint32 seqnum, gboolean flush)
{
  /* taken when the thread has left its function */
  GST_PAD_STREAM_LOCK (pad);
  if (flush) {
    GstEvent *event = gst_event_new_flush_stop (TRUE);

    gst_event_set_seqnum (event, seqnum);
    gst_pad_push_event (GST_PAD (pad), event);
  }
  gst_avm_test_src_pad_set_segment (pad, segment, seqnum);
  g_mutex_lock (&self->lock);
  if (flush)
    pad->send_eos = FALSE;
  gst_avm_test_src_pad_start (pad);
  g_mutex_unlock (&self->lock);
  GST_PAD_STREAM_UNLOCK (pad);
}

static gboolean
make_segment (
    GstAvmTestSrc *self, GstEvent *event, GList *pads, GstSegment *segment)
{
  gdouble rate;
  GstFormat format;
  GstSeekFlags flags;
  GstSeekType start_type, stop_type;
  gint64 start, stop;

  gst_event_parse_seek (
      event, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
  if (format != GST_FORMAT_TIME || rate <= 0.0)
    return FALSE;
  gst_segment_copy_into (&GST_AVM_TEST_SRC_PAD (pads->data)->segment, segment);
  segment->duration = self->duration;
  return gst_segment_do_seek (segment, rate, format, flags, start_type,
      (guint64)start, stop_type, (guint64)stop, NULL);
}

/* Before the threads go on */
static void
announce_segment (
    GstAvmTestSrc *self, GList *pads, const GstSegment *segment, guint32 seqnum)
{
  guint n = 0;

  for (GList *l = pads; l != NULL; l = l->next)
    n += gst_pad_is_linked (l->data);
  g_mutex_lock (&self->lock);
  self->segments = n;
  g_mutex_unlock (&self->lock);
  if (segment->flags & GST_SEGMENT_FLAG_SEGMENT) {
    GstMessage *message = gst_message_new_segment_start (
        GST_OBJECT (self), GST_FORMAT_TIME, (gint64)segment->position);

    gst_message_set_seqnum (message, seqnum);
    gst_element_post_message (GST_ELEMENT (self), message);
  }
}

/* Takes the event. Several sinks may pass on the same seek: once is enough. */
gboolean
gst_avm_test_src_seek (GstAvmTestSrc *self, GstEvent *event)
{
  guint32 seqnum = gst_event_get_seqnum (event);
  GList *pads = ref_pads (self);
  GstSegment segment;
  GstSeekFlags flags;
  gboolean ok = FALSE, flush, again;

  gst_event_parse_seek (event, NULL, NULL, &flags, NULL, NULL, NULL, NULL);
  flush = (flags & GST_SEEK_FLAG_FLUSH) != 0;
  g_mutex_lock (&self->lock);
  again = self->seek_seqnum == seqnum;
  g_mutex_unlock (&self->lock);
  if (again) {
    ok = TRUE;
  } else if (pads != NULL && self->ensemble != NULL && !self->running.is_live) {
    ok = make_segment (self, event, pads, &segment);
    if (ok) {
      g_mutex_lock (&self->lock);
      self->seek_seqnum = seqnum;
      g_mutex_unlock (&self->lock);
      stop_pads (self, pads, seqnum, flush);
      announce_segment (self, pads, &segment, seqnum);
      for (GList *l = pads; l != NULL; l = l->next)
        restart_pad (self, l->data, &segment, seqnum, flush);
    }
  }
  unref_pads (pads);
  gst_event_unref (event);
  return ok;
}

/* -- element ------------------------------------------------------------- */

static gboolean
gst_avm_test_src_send_event (GstElement *element, GstEvent *event)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (element);
  GList *pads;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEEK:
      return gst_avm_test_src_seek (self, event);
    case GST_EVENT_EOS:
      pads = ref_pads (self);
      g_mutex_lock (&self->lock);
      for (GList *l = pads; l != NULL; l = l->next)
        GST_AVM_TEST_SRC_PAD (l->data)->send_eos = TRUE;
      wake (self, pads);
      g_mutex_unlock (&self->lock);
      unref_pads (pads);
      gst_event_unref (event);
      return TRUE;
    default:
      return GST_ELEMENT_CLASS (parent_class)->send_event (element, event);
  }
}

static void
set_playing (GstAvmTestSrc *self, gboolean playing)
{
  GList *pads = ref_pads (self);

  g_mutex_lock (&self->lock);
  self->playing = playing;
  wake (self, pads);
  g_mutex_unlock (&self->lock);
  unref_pads (pads);
}

static GstStateChangeReturn
gst_avm_test_src_change_state (GstElement *element, GstStateChange transition)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (element);
  GstStateChangeReturn ret;

  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!gst_avm_test_src_start (self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      set_playing (self, TRUE);
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      set_playing (self, FALSE);
      break;
    default:
      break;
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (ret == GST_STATE_CHANGE_FAILURE)
        end_performance (self);
      G_GNUC_FALLTHROUGH;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      if (ret == GST_STATE_CHANGE_SUCCESS && self->running.is_live)
        ret = GST_STATE_CHANGE_NO_PREROLL;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      end_performance (self);
      break;
    default:
      break;
  }
  return ret;
}
