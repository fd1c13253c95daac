// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The flow kernel beside OpenCV, interleaved in one process on one thread.
// Prints one line per figure, tab-separated; tests/bench/flow judges them:
//
//   epe CASE METHOD PX           mean end point error over the known pixels
//   cost REGION METHOD P10 MEDIAN        ms of CPU per pair
//   mean CASE METHOD PX          RMS error of the mean motion of a region
//
// flow-opencv ROUNDS TRIALS [NAME FIRST SECOND TRUTH SCALE]...
// TRUTH is a .flo file or a picture of disparities (flow is -d, 0; 0: not
// known); pictures and truth are reduced by SCALE. Costs are measured in the
// middle of the first case.

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>
#if defined(__has_include)
#if __has_include(<opencv2/optflow.hpp>)
#include <opencv2/optflow.hpp>
#define HAVE_DEEPFLOW
#endif
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vision/avm-dis.h"

namespace
{

double
cpu_seconds ()
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// -- methods ----------------------------------------------------------------

// Flow of a rectangle of a pair of frames, and its result as two channels of
// floats. OpenCV gets the rectangle cut out, ours the frames.
struct Method {
  std::string name;
  std::function<void (const cv::Mat &, const cv::Mat &, const cv::Rect &)>
      compute;
  std::function<cv::Mat ()> result;
  bool slow;
};

struct Dis {
  AvmDis *dis = nullptr;
  AvmDisPreset preset;
  cv::Size size;

  explicit Dis (AvmDisPreset p) : preset (p)
  {
  }
  ~Dis ()
  {
    avm_dis_free (dis);
  }

  void
  compute (const cv::Mat &a, const cv::Mat &b, const cv::Rect &r)
  {
    AvmDisImage from = {a.data, (ptrdiff_t)a.step, a.cols, a.rows};
    AvmDisImage to = {b.data, (ptrdiff_t)b.step, b.cols, b.rows};
    AvmDisRect rect = {r.x, r.y, r.width, r.height};

    if (dis == nullptr || size != r.size ()) {
      AvmDisParams params;

      avm_dis_free (dis);
      avm_dis_params_init (&params, preset);
      dis = avm_dis_new (&params, r.width, r.height, nullptr);
      size = r.size ();
    }
    if (dis == nullptr
        || !avm_dis_compute (dis, &from, &to, &rect, 0, 0, nullptr))
      abort ();
  }
};

Method
ours (const char *name, AvmDisPreset preset)
{
  std::shared_ptr<Dis> dis = std::make_shared<Dis> (preset);
  auto planes = std::make_shared<std::array<cv::Mat, 2>> ();

  return {name,
      [dis, planes] (const cv::Mat &a, const cv::Mat &b, const cv::Rect &r) {
        (*planes)[0].create (r.size (), CV_32F);
        (*planes)[1].create (r.size (), CV_32F);
        dis->compute (a, b, r);
        avm_dis_get_flow (dis->dis, (*planes)[0].ptr<float> (),
            (*planes)[1].ptr<float> (), r.width);
      },
      [planes] {
        cv::Mat flow;

        cv::merge (planes->data (), 2, flow);
        return flow;
      },
      preset == AVM_DIS_FINE};
}

// The rectangle in one piece, as DIS wants it
cv::Mat
cut (const cv::Mat &picture, const cv::Rect &r)
{
  cv::Mat part = picture (r);

  return part.isContinuous () ? part : part.clone ();
}

// DIS changes its own scales to suit a small picture and keeps them: a new
// object for each size.
Method
opencv (const char *name,
    std::function<cv::Ptr<cv::DenseOpticalFlow> ()> create, bool slow)
{
  struct State {
    cv::Ptr<cv::DenseOpticalFlow> algorithm;
    cv::Size size;
    cv::Mat flow;
  };
  auto state = std::make_shared<State> ();

  return {name,
      [create, state] (const cv::Mat &a, const cv::Mat &b, const cv::Rect &r) {
        if (!state->algorithm || state->size != r.size ())
          state->algorithm = create ();
        state->size = r.size ();
        state->flow.release ();
        state->algorithm->calc (cut (a, r), cut (b, r), state->flow);
      },
      [state] { return state->flow.clone (); }, slow};
}

std::vector<Method>
all_methods ()
{
  typedef cv::DISOpticalFlow Peer;
  auto dis = [] (int preset) {
    return [preset] { return Peer::create (preset); };
  };
  std::vector<Method> methods = {ours ("fast", AVM_DIS_FAST),
      ours ("medium", AVM_DIS_MEDIUM), ours ("fine", AVM_DIS_FINE),
      opencv ("OpenCV DIS ultrafast", dis (Peer::PRESET_ULTRAFAST), false),
      opencv ("OpenCV DIS fast", dis (Peer::PRESET_FAST), false),
      opencv ("OpenCV DIS medium", dis (Peer::PRESET_MEDIUM), false),
      opencv (
          "OpenCV Farneback",
          [] {
            return cv::FarnebackOpticalFlow::create (
                3, 0.5, false, 15, 5, 5, 1.1, 0);
          },
          true)};

#ifdef HAVE_DEEPFLOW
  methods.push_back (opencv (
      "OpenCV DeepFlow", [] { return cv::optflow::createOptFlow_DeepFlow (); },
      true));
#endif
  return methods;
}

// -- cases --------------------------------------------------------------------

struct Case {
  std::string name;
  cv::Mat a, b, truth; // truth: NaN where it is not known
};

cv::Mat
read_flo (const std::string &path)
{
  std::ifstream file (path, std::ios::binary);
  float tag = 0;
  int32_t w = 0, h = 0;

  file.read ((char *)&tag, 4);
  file.read ((char *)&w, 4);
  file.read ((char *)&h, 4);
  if (!file || tag != 202021.25f || w < 1 || h < 1 || w > 20000 || h > 20000)
    return cv::Mat ();
  cv::Mat flow (h, w, CV_32FC2);
  file.read ((char *)flow.data, (std::streamsize)8 * w * h);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      cv::Vec2f &f = flow.at<cv::Vec2f> (y, x);

      if (!(std::fabs (f[0]) < 1e9f && std::fabs (f[1]) < 1e9f))
        f[0] = f[1] = NAN;
    }
  return flow;
}

cv::Mat
read_truth (const std::string &path)
{
  if (path.size () > 4 && path.substr (path.size () - 4) == ".flo")
    return read_flo (path);
  cv::Mat disparity = cv::imread (path, cv::IMREAD_GRAYSCALE), flow;

  if (disparity.empty ())
    return flow;
  flow.create (disparity.size (), CV_32FC2);
  for (int y = 0; y < flow.rows; y++)
    for (int x = 0; x < flow.cols; x++) {
      float d = disparity.at<uint8_t> (y, x);

      flow.at<cv::Vec2f> (y, x) =
          d > 0 ? cv::Vec2f (-d, 0) : cv::Vec2f (NAN, NAN);
    }
  return flow;
}

cv::Mat
reduce (const cv::Mat &picture, int scale)
{
  cv::Size size (picture.cols / scale, picture.rows / scale);
  cv::Mat small;

  cv::resize (
      picture (cv::Rect (0, 0, size.width * scale, size.height * scale)), small,
      size, 0, 0, cv::INTER_AREA);
  return small;
}

// Medians of blocks; not known where any of the block is not
cv::Mat
reduce_truth (const cv::Mat &truth, int scale)
{
  cv::Mat small (truth.rows / scale, truth.cols / scale, CV_32FC2);

  for (int y = 0; y < small.rows; y++)
    for (int x = 0; x < small.cols; x++)
      for (int c = 0; c < 2; c++) {
        std::vector<float> values;
        bool known = true;

        for (int j = 0; j < scale * scale; j++) {
          float f = truth.at<cv::Vec2f> (
              y * scale + j / scale, x * scale + j % scale)[c];

          known &= !std::isnan (f);
          values.push_back (f);
        }
        if (known)
          std::nth_element (values.begin (),
              values.begin () + values.size () / 2, values.end ());
        small.at<cv::Vec2f> (y, x)[c] =
            known ? values[values.size () / 2] / scale : NAN;
      }
  return small;
}

double
end_point_error (const cv::Mat &truth, const cv::Mat &flow)
{
  double sum = 0;
  long n = 0;

  for (int y = 0; y < truth.rows; y++)
    for (int x = 0; x < truth.cols; x++) {
      cv::Vec2f t = truth.at<cv::Vec2f> (y, x), f = flow.at<cv::Vec2f> (y, x);

      if (std::isnan (t[0]) || std::isnan (t[1]))
        continue;
      sum += std::hypot (t[0] - f[0], t[1] - f[1]);
      n++;
    }
  return sum / (double)n;
}

void
print_errors (const Case &c, std::vector<Method> &methods)
{
  cv::Mat zero = cv::Mat::zeros (c.truth.size (), CV_32FC2);

  printf ("epe\t%s\tno motion\t%.4f\n", c.name.c_str (),
      end_point_error (c.truth, zero));
  for (Method &m : methods) {
    m.compute (c.a, c.b, cv::Rect (0, 0, c.a.cols, c.a.rows));
    printf ("epe\t%s\t%s\t%.4f\n", c.name.c_str (), m.name.c_str (),
        end_point_error (c.truth, m.result ()));
    fflush (stdout);
  }
}

// -- costs --------------------------------------------------------------------

void
print_costs (const Case &c, std::vector<Method> &methods, int rounds)
{
  cv::Rect region ((c.a.cols - 200) / 2, (c.a.rows - 200) / 2, 200, 200);
  cv::Mat a = c.a (region).clone (), b = c.b (region).clone ();
  std::vector<std::vector<double>> times (methods.size ());

  region.x = region.y = 0;
  for (int i = 0; i < rounds; i++)
    for (size_t m = 0; m < methods.size (); m++) {
      if (methods[m].slow && i >= std::max (3, rounds / 20))
        continue;
      double start;

      // once to bring its own code and memory back into the caches
      methods[m].compute (a, b, region);
      start = cpu_seconds ();
      methods[m].compute (a, b, region);
      times[m].push_back (cpu_seconds () - start);
    }
  for (size_t m = 0; m < methods.size (); m++) {
    std::sort (times[m].begin (), times[m].end ());
    printf ("cost\t200x200\t%s\t%.4f\t%.4f\n", methods[m].name.c_str (),
        1e3 * times[m][times[m].size () / 10],
        1e3 * times[m][times[m].size () / 2]);
  }
}

// Five regions of 70x70 px in a frame of 1920x1080, as the element uses them:
// with their margins and with the mean and its confidence
void
print_hands (const Case &c, int rounds)
{
  static const char *const names[] = {"fast", "medium", "fine"};
  cv::Mat a, b;
  cv::Size hd (1920, 1080);

  cv::resize (c.a, a, hd, 0, 0, cv::INTER_CUBIC);
  cv::resize (c.b, b, hd, 0, 0, cv::INTER_CUBIC);
  for (int p = 0; p < 3; p++) {
    Dis dis ((AvmDisPreset)p);
    std::vector<double> times;

    for (int i = 0; i < rounds; i++) {
      double start = cpu_seconds ();

      for (int r = 0; r < 5; r++) {
        AvmDisMotion motion;

        dis.compute (a, b, cv::Rect (100 + 300 * r, 200 + 100 * r, 70, 70));
        avm_dis_get_motion (dis.dis, &motion);
      }
      times.push_back (cpu_seconds () - start);
    }
    std::sort (times.begin (), times.end ());
    printf ("cost\tfive 70x70\t%s\t%.4f\t%.4f\n", names[p],
        1e3 * times[times.size () / 10], 1e3 * times[times.size () / 2]);
  }
}

// -- the mean motion of a hand ----------------------------------------------

// A piece of a photograph, eight times reduced from a sub-pixel position, with
// noise of two grey levels and through a lossy picture codec (JPEG, quality
// 70)
cv::Mat
view (const cv::Mat &photo, double x, double y, cv::RNG &rng)
{
  const int side = 120, k = 8;
  cv::Mat large, small, noise (side, side, CV_16S), out;
  cv::Matx23d shift (1, 0, k * x, 0, 1, k * y);
  std::vector<uint8_t> file;

  cv::warpAffine (photo, large, shift, cv::Size (side * k, side * k),
      cv::INTER_CUBIC | cv::WARP_INVERSE_MAP, cv::BORDER_REFLECT);
  cv::resize (large, small, cv::Size (side, side), 0, 0, cv::INTER_AREA);
  rng.fill (noise, cv::RNG::NORMAL, 0, 2);
  cv::add (small, noise, out, cv::noArray (), CV_8U);
  cv::imencode (".jpg", out, file, {cv::IMWRITE_JPEG_QUALITY, 70});
  return cv::imdecode (file, cv::IMREAD_GRAYSCALE);
}

// Vibrato of 0.3 to 2.5 px at 6 Hz on sway, 30 frames per second; region of
// 60x60 px that stays where it is
void
print_means (const std::string &name, const cv::Mat &photo,
    std::vector<Method> &methods, int trials)
{
  cv::RNG rng (2026);
  cv::Rect region (30, 30, 60, 60);
  std::vector<double> square (methods.size () + 3);
  cv::Mat big;

  cv::resize (photo, big, cv::Size (1600, 1200), 0, 0, cv::INTER_CUBIC);
  for (int t = 0; t < trials; t++) {
    double size = rng.uniform (0.3, 2.5) / 2, phase = rng.uniform (0., 6.28);
    double angle = rng.uniform (0., 6.28), at = rng.uniform (0., 1.);
    double sway = rng.uniform (-1.5, 1.5);
    double before = size * std::sin (phase);
    double after = size * std::sin (phase + 2 * CV_PI * 6 / 30);
    double u = (after - before) * std::cos (angle) + sway;
    double v = (after - before) * std::sin (angle);
    double x = 20 + 40 * at, y = 10 + 10 * at;
    cv::Mat a = view (big, x, y, rng), b = view (big, x - u, y - v, rng);

    for (size_t m = 0; m < methods.size (); m++) {
      cv::Scalar mean;

      if (methods[m].name == "OpenCV DeepFlow")
        continue;
      methods[m].compute (a, b, region);
      mean = cv::mean (methods[m].result ());
      square[m] += std::pow (mean[0] - u, 2) + std::pow (mean[1] - v, 2);
    }
    for (int p = 0; p < 3; p++) {
      Dis dis ((AvmDisPreset)p);
      AvmDisMotion motion;

      dis.compute (a, b, region);
      avm_dis_get_motion (dis.dis, &motion);
      square[methods.size () + p] +=
          std::pow (motion.u - u, 2) + std::pow (motion.v - v, 2);
    }
  }
  for (size_t m = 3; m < methods.size (); m++)
    if (methods[m].name != "OpenCV DeepFlow")
      printf ("mean\t%s\t%s\t%.4f\n", name.c_str (), methods[m].name.c_str (),
          std::sqrt (square[m] / (2 * trials)));
  for (size_t p = 0; p < 3; p++)
    printf ("mean\t%s\t%s\t%.4f\n", name.c_str (), methods[p].name.c_str (),
        std::sqrt (square[methods.size () + p] / (2 * trials)));
}

} // namespace

int
main (int argc, char **argv)
{
  std::vector<Method> methods = all_methods ();
  std::vector<Case> cases;

  if (argc < 8 || (argc - 3) % 5 != 0) {
    fprintf (stderr,
        "usage: %s ROUNDS TRIALS NAME FIRST SECOND TRUTH SCALE ...\n", argv[0]);
    return 2;
  }
  cv::setNumThreads (1);
  for (int i = 3; i < argc; i += 5) {
    int scale = std::max (1, atoi (argv[i + 4]));
    Case c = {argv[i], cv::imread (argv[i + 1], cv::IMREAD_GRAYSCALE),
        cv::imread (argv[i + 2], cv::IMREAD_GRAYSCALE),
        read_truth (argv[i + 3])};

    if (c.a.empty () || c.a.size () != c.b.size ()
        || c.a.size () != c.truth.size ()) {
      fprintf (stderr, "%s: cannot read, or sizes differ\n", argv[i]);
      return 1;
    }
    if (scale > 1) {
      c.a = reduce (c.a, scale);
      c.b = reduce (c.b, scale);
      c.truth = reduce_truth (c.truth, scale);
    }
    cases.push_back (c);
  }
  print_costs (cases[0], methods, atoi (argv[1]));
  print_hands (cases[0], atoi (argv[1]));
  print_means (argv[3], cases[0].a, methods, atoi (argv[2]));
  for (const Case &c : cases)
    print_errors (c, methods);
  return 0;
}
