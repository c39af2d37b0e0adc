// Reading durations.
#include "nn/trainer/duration.h"

#include <cstdio>
#include <string>

namespace iolaus::nn {

double parse_duration(const config::Args& args, std::string_view name) {
  const config::Node& node = args.node(name);
  if ((node.is_int() || node.is_float()) && node.as_float() >= 0) return node.as_float();
  if (node.is_string()) {
    int d = 0, h = 0, m = 0, s = 0, used = 0;
    const std::string text = node.as_string();
    if (std::sscanf(text.c_str(), "%d:%d:%d:%d%n", &d, &h, &m, &s, &used) == 4 &&
        used == static_cast<int>(text.size()) && d >= 0 && h >= 0 && m >= 0 && s >= 0) {
      return ((d * 24.0 + h) * 60 + m) * 60 + s;
    }
  }
  if (node.is_dict()) {
    double seconds = 0;
    for (const config::Node& part : node) {
      const std::string unit = part.key().text();
      const double factor = unit == "weeks"     ? 604800
                            : unit == "days"    ? 86400
                            : unit == "hours"   ? 3600
                            : unit == "minutes" ? 60
                            : unit == "seconds" ? 1
                                                : 0;
      if (factor == 0 || !(part.is_int() || part.is_float()) || part.as_float() < 0) {
        args.fail_about(name, "'" + unit +
                                  "': expected weeks, days, hours, minutes and seconds, "
                                  "each a number");
      }
      seconds += factor * part.as_float();
    }
    return seconds;
  }
  args.fail_about(name,
                  "expected seconds, 'DD:HH:MM:SS', or a dict of days, hours, minutes and "
                  "seconds, got " +
                      node.repr());
}

}  // namespace iolaus::nn
