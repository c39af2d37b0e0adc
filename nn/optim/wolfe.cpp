// The strong Wolfe line search.
#include "nn/optim/wolfe.h"

#include <algorithm>
#include <cmath>

namespace iolaus::nn {
namespace {

constexpr double kDecrease = 1e-4, kCurvature = 0.9;  // c1 and c2

// The minimum of the cubic through two points and their slopes, within bounds.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double position =
      a.t <= b.t ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                 : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return std::min(std::max(position, low), high);
}

// Two points around what is looked for; low is the one with the smaller loss.
struct Bracket {
  LinePoint points[2];
  size_t low = 0;

  LinePoint& best() { return points[low]; }
  LinePoint& other() { return points[1 - low]; }
  double from() const { return std::min(points[0].t, points[1].t); }
  double to() const { return std::max(points[0].t, points[1].t); }
  void order() { low = points[0].loss <= points[1].loss ? 0 : 1; }
};

// A trial step inside the bracket, kept away from its ends where progress stalls.
double trial(const Bracket& bracket, bool& stalled) {
  const double from = bracket.from(), to = bracket.to(), margin = 0.1 * (to - from);
  double t = cubic_minimum(bracket.points[0], bracket.points[1], from, to);
  if (std::min(to - t, t - from) >= margin) {
    stalled = false;
  } else if (stalled || t >= to || t <= from) {
    t = std::abs(t - to) < std::abs(t - from) ? to - margin : from + margin;
    stalled = false;
  } else {
    stalled = true;
  }
  return t;
}

}  // namespace

LineSearch strong_wolfe(const std::function<LinePoint(double)>& at, const LinePoint& start,
                        double t, double largest, double tolerance_change, int64_t most) {
  LinePoint now = at(t), before = start;
  int64_t evaluations = 1, rounds = 0;
  const auto too_high = [&](const LinePoint& p) {
    return p.loss > start.loss + kDecrease * p.t * start.slope;
  };
  const auto flat = [&](const LinePoint& p) {
    return std::abs(p.slope) <= -kCurvature * start.slope;
  };
  // Go on until two points bracket the minimum.
  Bracket bracket{{start, now}};
  bool done = false, found = false;
  while (rounds < most && !found) {
    if (too_high(now) || (rounds > 1 && now.loss >= before.loss)) {
      bracket = {{before, now}};
      found = true;
    } else if (flat(now)) {
      bracket = {{now, now}};
      found = done = true;
    } else if (now.slope >= 0) {
      bracket = {{before, now}};
      found = true;
    } else {
      const double low = now.t + 0.01 * (now.t - before.t), high = now.t * 10;
      const double next = cubic_minimum(before, now, low, high);
      before = now;
      now = at(next);
      ++evaluations;
      ++rounds;
    }
  }
  if (rounds == most) bracket = {{start, now}};
  // Then make the bracket smaller.
  bracket.order();
  bool stalled = false;
  while (!done && rounds < most) {
    if ((bracket.to() - bracket.from()) * largest < tolerance_change) break;
    now = at(trial(bracket, stalled));
    ++evaluations;
    ++rounds;
    if (too_high(now) || now.loss >= bracket.best().loss) {
      bracket.other() = now;
      bracket.order();
      continue;
    }
    if (flat(now)) {
      done = true;
    } else if (now.slope * (bracket.other().t - bracket.best().t) >= 0) {
      bracket.other() = bracket.best();
    }
    bracket.best() = now;
  }
  return {bracket.best(), evaluations};
}

}  // namespace iolaus::nn
