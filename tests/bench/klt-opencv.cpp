// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The KLT kernels beside OpenCV, interleaved in one process on one thread:
// known sub-pixel warps of a picture, and a real clip. Prints one line per
// figure: case, quantity, ours, OpenCV's; tests/bench/klt judges them.
//
// klt-opencv [--reduced] [--picture FILE] [--clip FILE]

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>
#include <opencv2/videoio.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "vision/avm-corners.h"
#include "vision/avm-lk.h"
#include "vision/avm-pyramid.h"

namespace
{

const int window = 21, max_level = 3;
const double quality = 0.01, min_distance = 10.0;

double
cpu_seconds ()
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double
quantile (std::vector<double> v, double q)
{
  if (v.empty ())
    return NAN;
  size_t k = std::min (v.size () - 1, (size_t)(q * (double)v.size ()));
  std::nth_element (v.begin (), v.begin () + (long)k, v.end ());
  return v[k];
}

// Runs both in turn and keeps the least CPU time of each.
void
race (int repeats, const std::function<void ()> &ours,
    const std::function<void ()> &theirs, double *our_cpu, double *their_cpu)
{
  double a = 1e9, b = 1e9;

  for (int i = 0; i < repeats; i++) {
    double t = cpu_seconds ();
    ours ();
    a = std::min (a, cpu_seconds () - t);
    t = cpu_seconds ();
    theirs ();
    b = std::min (b, cpu_seconds () - t);
  }
  *our_cpu += a;
  *their_cpu += b;
}

void
say (const std::string &name, const char *quantity, double ours, double theirs)
{
  printf ("%s\t%s\t%.6g\t%.6g\n", name.c_str (), quantity, ours, theirs);
  fflush (stdout);
}

// Blobs of all sizes, when there is no picture.
cv::Mat
synthetic_picture (int width, int height)
{
  cv::RNG rng (12345);
  cv::Mat sum = cv::Mat::zeros (height, width, CV_32F);

  for (int scale = 2; scale <= 64; scale *= 2) {
    cv::Mat noise (height / scale + 2, width / scale + 2, CV_32F), big;

    rng.fill (noise, cv::RNG::NORMAL, 0.0, std::sqrt ((double)scale));
    cv::resize (noise, big, cv::Size (width, height), 0, 0, cv::INTER_CUBIC);
    sum += big;
  }
  cv::normalize (sum, sum, 10, 245, cv::NORM_MINMAX);
  sum.convertTo (sum, CV_8U);
  return sum;
}

struct Pair {
  cv::Mat first, second;
  cv::Matx23d motion; // first to second
};

cv::Matx23d
compose (double angle, double scale, double dx, double dy, cv::Size size)
{
  double c = scale * std::cos (angle), s = scale * std::sin (angle);
  double x0 = 0.5 * size.width, y0 = 0.5 * size.height;

  return {c, -s, x0 - c * x0 + s * y0 + dx, s, c, y0 - s * x0 - c * y0 + dy};
}

// Two camera pictures of the same scene: up to 9 px apart, up to one degree
// turned, up to 1 % nearer, with sensor noise.
Pair
make_pair (const cv::Mat &picture, cv::Size size, cv::RNG &rng)
{
  Pair pair;
  double fit = std::max (1.0 * size.width / picture.cols,
                   1.0 * size.height / picture.rows)
      * 1.04;
  cv::Matx23d place (fit, 0, -0.02 * size.width, 0, fit, -0.02 * size.height);
  cv::Matx23d m = compose (rng.uniform (-1.0, 1.0) * CV_PI / 180.0,
      1.0 + rng.uniform (-0.01, 0.01), rng.uniform (-6.0, 6.0),
      rng.uniform (-6.0, 6.0), size);
  cv::Matx33d p3 (
      place (0, 0), 0, place (0, 2), 0, place (1, 1), place (1, 2), 0, 0, 1);
  cv::Mat noise (size, CV_16S), wide;

  pair.motion = m;
  cv::warpAffine (picture, pair.first, place, size, cv::INTER_LANCZOS4,
      cv::BORDER_REFLECT_101);
  cv::warpAffine (picture, pair.second, m * p3, size, cv::INTER_LANCZOS4,
      cv::BORDER_REFLECT_101);
  for (cv::Mat *frame : {&pair.first, &pair.second}) {
    rng.fill (noise, cv::RNG::NORMAL, 0.0, 1.5);
    frame->convertTo (wide, CV_16S);
    wide += noise;
    wide.convertTo (*frame, CV_8U);
  }
  return pair;
}

// Both trackers with the pyramids of the picture before, as in a stream.
struct Trackers {
  AvmLk *lk;
  AvmPyramid *before, *after;
  std::vector<cv::Mat> cv_before, cv_after;

  explicit Trackers (cv::Size size)
  {
    AvmLkParams params = AVM_LK_PARAMS_INIT;

    lk = avm_lk_new (&params);
    before = avm_pyramid_new (size.width, size.height, max_level);
    after = avm_pyramid_new (size.width, size.height, max_level);
  }

  ~Trackers ()
  {
    avm_lk_free (lk);
    avm_pyramid_free (before);
    avm_pyramid_free (after);
  }

  void
  first (const cv::Mat &frame)
  {
    avm_pyramid_build (before, frame.data, (ptrdiff_t)frame.step);
    cv::buildOpticalFlowPyramid (
        frame, cv_before, {window, window}, max_level, true);
  }

  void
  build_ours (const cv::Mat &frame)
  {
    avm_pyramid_build (after, frame.data, (ptrdiff_t)frame.step);
  }

  void
  build_theirs (const cv::Mat &frame)
  {
    cv::buildOpticalFlowPyramid (
        frame, cv_after, {window, window}, max_level, true);
  }

  void
  swap ()
  {
    std::swap (before, after);
    std::swap (cv_before, cv_after);
  }

  void
  track_ours (const std::vector<cv::Point2f> &points,
      std::vector<cv::Point2f> &result, std::vector<uchar> &status)
  {
    std::vector<AvmLkResult> results (points.size ());

    result.resize (points.size ());
    status.resize (points.size ());
    avm_lk_track (lk, before, after, (const AvmVec2 *)points.data (),
        (AvmVec2 *)result.data (), results.data (), points.size (), false);
    for (size_t i = 0; i < points.size (); i++)
      status[i] = results[i].status == AVM_LK_TRACKED;
  }

  void
  track_theirs (const std::vector<cv::Point2f> &points,
      std::vector<cv::Point2f> &result, std::vector<uchar> &status)
  {
    std::vector<float> error;

    cv::calcOpticalFlowPyrLK (cv_before, cv_after, points, result, status,
        error, {window, window}, max_level,
        {cv::TermCriteria::COUNT | cv::TermCriteria::EPS, 30, 0.01});
  }
};

std::vector<cv::Point2f>
corners_of (const cv::Mat &frame, int n)
{
  std::vector<cv::Point2f> points;

  cv::goodFeaturesToTrack (frame, points, n, quality, min_distance);
  return points;
}

std::vector<cv::Point2f>
our_corners_of (AvmCorners *corners, const cv::Mat &frame, int n)
{
  AvmPlane plane = {frame.cols, frame.rows, (ptrdiff_t)frame.step, frame.data};
  AvmCornersParams params = {(float)quality, 0.0f, (float)min_distance};
  std::vector<AvmCorner> found ((size_t)n);
  std::vector<cv::Point2f> points;

  found.resize (avm_corners_find (corners, &plane, nullptr, 0, nullptr, 0,
      &params, found.data (), (size_t)n));
  for (const AvmCorner &c : found)
    points.emplace_back (c.x, c.y);
  return points;
}

void
bench_corners (const std::string &name, const cv::Mat &frame, int repeats)
{
  AvmCorners *corners = avm_corners_new (frame.cols);

  for (int n : {200, 1000}) {
    std::vector<cv::Point2f> a, b;
    double ours = 0.0, theirs = 0.0;
    size_t same = 0;

    race (
        repeats, [&] { a = our_corners_of (corners, frame, n); },
        [&] { b = corners_of (frame, n); }, &ours, &theirs);
    for (const cv::Point2f &p : a)
      same += std::find (b.begin (), b.end (), p) != b.end ();
    std::string label = name + " " + std::to_string (n);
    say (label, "corners-ms", 1e3 * ours, 1e3 * theirs);
    say (label, "corners-shared", (double)same / (double)b.size (), 1.0);
  }
  avm_corners_free (corners);
}

void
bench_warps (const std::string &name, const cv::Mat &picture, cv::Size size,
    int n_pairs, int repeats)
{
  for (int n : {200, 1000}) {
    cv::RNG rng (4321);
    Trackers t (size);
    std::vector<double> ours, theirs;
    double pyr_a = 0, pyr_b = 0, lk_a = 0, lk_b = 0;

    for (int i = 0; i < n_pairs; i++) {
      Pair pair = make_pair (picture, size, rng);
      std::vector<cv::Point2f> points = corners_of (pair.first, n), a, b;
      std::vector<uchar> status_a, status_b;

      t.first (pair.first);
      race (
          repeats, [&] { t.build_ours (pair.second); },
          [&] { t.build_theirs (pair.second); }, &pyr_a, &pyr_b);
      race (
          repeats, [&] { t.track_ours (points, a, status_a); },
          [&] { t.track_theirs (points, b, status_b); }, &lk_a, &lk_b);
      for (size_t k = 0; k < points.size (); k++) {
        cv::Vec2d truth =
            pair.motion * cv::Vec3d (points[k].x, points[k].y, 1.0);

        // a window that leaves the picture has no truth
        if (truth[0] < 16 || truth[1] < 16 || truth[0] > size.width - 17
            || truth[1] > size.height - 17)
          continue;
        ours.push_back (status_a[k]
                ? std::hypot (a[k].x - truth[0], a[k].y - truth[1])
                : 1e3);
        theirs.push_back (status_b[k]
                ? std::hypot (b[k].x - truth[0], b[k].y - truth[1])
                : 1e3);
      }
    }
    std::string label = name + " " + std::to_string (n);
    double ms = 1e3 / n_pairs;
    say (label, "pyramid-ms", ms * pyr_a, ms * pyr_b);
    say (label, "track-ms", ms * lk_a, ms * lk_b);
    say (label, "pyramid+track-ms", ms * (pyr_a + lk_a), ms * (pyr_b + lk_b));
    say (label, "median-px", quantile (ours, 0.5), quantile (theirs, 0.5));
    say (label, "p95-px", quantile (ours, 0.95), quantile (theirs, 0.95));
  }
}

// No truth in a clip: forwards and backwards must lead back.
void
bench_clip (const std::string &name, const std::string &file, cv::Size size,
    int n_pairs, int repeats)
{
  cv::VideoCapture capture (file);
  std::vector<cv::Mat> frames;
  cv::Mat frame, grey;

  while ((int)frames.size () <= n_pairs && capture.read (frame)) {
    cv::cvtColor (frame, grey, cv::COLOR_BGR2GRAY);
    cv::resize (grey, frame, size, 0, 0, cv::INTER_CUBIC);
    frames.push_back (frame.clone ());
  }
  if (frames.size () < 2) {
    fprintf (stderr, "skipped: %s cannot be decoded\n", file.c_str ());
    return;
  }
  for (int n : {200, 1000}) {
    Trackers t (size);
    std::vector<double> ours, theirs;
    double pyr_a = 0, pyr_b = 0, lk_a = 0, lk_b = 0;
    size_t pairs = frames.size () - 1, near_a = 0, near_b = 0;

    t.first (frames[0]);
    for (size_t i = 1; i < frames.size (); i++) {
      std::vector<cv::Point2f> points = corners_of (frames[i - 1], n);
      std::vector<cv::Point2f> a, b, back_a, back_b;
      std::vector<uchar> status_a, status_b, again;

      race (
          repeats, [&] { t.build_ours (frames[i]); },
          [&] { t.build_theirs (frames[i]); }, &pyr_a, &pyr_b);
      race (
          repeats, [&] { t.track_ours (points, a, status_a); },
          [&] { t.track_theirs (points, b, status_b); }, &lk_a, &lk_b);
      t.swap ();
      t.track_ours (a, back_a, again);
      t.track_theirs (b, back_b, again);
      for (size_t k = 0; k < points.size (); k++) {
        ours.push_back (status_a[k] ? cv::norm (back_a[k] - points[k]) : 1e3);
        theirs.push_back (status_b[k] ? cv::norm (back_b[k] - points[k]) : 1e3);
        near_a += ours.back () < 1.0;
        near_b += theirs.back () < 1.0;
      }
    }
    std::string label = name + " " + std::to_string (n);
    double ms = 1e3 / (double)pairs;
    say (label, "pyramid-ms", ms * pyr_a, ms * pyr_b);
    say (label, "track-ms", ms * lk_a, ms * lk_b);
    say (label, "pyramid+track-ms", ms * (pyr_a + lk_a), ms * (pyr_b + lk_b));
    say (label, "return-median-px", quantile (ours, 0.5),
        quantile (theirs, 0.5));
    say (label, "return-within-1px", (double)near_a / (double)ours.size (),
        (double)near_b / (double)theirs.size ());
  }
  bench_corners (name, frames[0], 3 * repeats);
}

} // namespace

int
main (int argc, char **argv)
{
  std::string picture_file, clip;
  bool reduced = false;
  cv::Mat picture;

  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "--reduced") == 0)
      reduced = true;
    else if (strcmp (argv[i], "--picture") == 0 && i + 1 < argc)
      picture_file = argv[++i];
    else if (strcmp (argv[i], "--clip") == 0 && i + 1 < argc)
      clip = argv[++i];
    else {
      fprintf (stderr, "usage: %s [--reduced] [--picture FILE] [--clip FILE]\n",
          argv[0]);
      return 2;
    }
  }
  cv::setNumThreads (1);
  if (!picture_file.empty ())
    picture = cv::imread (picture_file, cv::IMREAD_GRAYSCALE);
  if (!picture_file.empty () && picture.empty ()) {
    fprintf (stderr, "%s: cannot be read\n", picture_file.c_str ());
    return 2;
  }
  for (cv::Size size : {cv::Size (1280, 720), cv::Size (1920, 1080)}) {
    std::string p = std::to_string (size.height) + "p";
    cv::Mat source = picture.empty ()
        ? synthetic_picture (size.width, size.height)
        : picture;
    cv::RNG rng (99);

    bench_warps (p + " warp", source, size, reduced ? 4 : 20, 3);
    bench_corners (
        p + " warp", make_pair (source, size, rng).first, reduced ? 5 : 15);
    if (!clip.empty ())
      bench_clip (p + " clip", clip, size, reduced ? 6 : 30, 3);
  }
  return 0;
}
