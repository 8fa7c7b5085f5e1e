#include "cli/progress_line.h"

#include <algorithm>

#include "cli/screen.h"
#include "core/base/describe_size.h"
#include "core/store/retry_watch.h"

namespace pitr::cli {
namespace {

constexpr int kBarCells = 16;
constexpr int64_t kTerminalMillis = 200;
constexpr int64_t kPlainMillis = 10000;
constexpr double kLongestEta = 7 * 86400;
constexpr int64_t kPlanMillis = 1000;  // a plan that is made sooner needs no line

}  // namespace

std::string ProgressText(const std::string& phase, uint64_t done, uint64_t total, double bytes_per_second, bool bar) {
  if (done >= total) return phase + " ...";
  const double part = static_cast<double>(done) / static_cast<double>(total);
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d%%", std::min(99, static_cast<int>(part * 100)));
  std::string text = phase;
  if (bar) {
    const int cells = static_cast<int>(part * kBarCells);
    text += " [" + std::string(static_cast<size_t>(cells), '#') +
            std::string(static_cast<size_t>(kBarCells - cells), '.') + "] ";
  } else {
    text += ": ";
  }
  text += std::string(percent) + "  " + DescribeBytes(done) + " of " + DescribeBytes(total);
  if (bytes_per_second < 1) return text;
  text += "  " + DescribeBytes(static_cast<uint64_t>(bytes_per_second)) + "/s";
  // A rate that has come to a stop is no measure of what is left.
  const double seconds = static_cast<double>(total - done) / bytes_per_second + 1;
  return seconds > kLongestEta ? text : text + "  ETA " + DescribeSeconds(static_cast<int64_t>(seconds));
}

std::string FitLine(std::string text, size_t columns) {
  // A character in the last column would begin the next line.
  if (text.size() >= columns) text.resize(columns - 1);
  return text;
}

std::string PlanProgressText(uint64_t done, uint64_t total) {
  return "looking at WAL: " + std::to_string(std::min(done, total)) + " of " +
         DescribeCount(total, "segment", "segments");
}

ProgressLine::ProgressLine(const Progress& progress, FILE* out, Of of)
    : progress_(progress), out_(out), terminal_(IsTerminal(out)), of_(of) {
  if (of == Of::kPlan && !terminal_) return;
  auto job = Job::Start([this](const CancelToken& stop) { return Draw(stop); });
  if (job.ok()) job_ = std::move(job).value();  // without a thread there is no bar, and the work goes on
}

ProgressLine::~ProgressLine() {
  job_.reset();
  if (!terminal_ || last_.empty()) return;
  Redraw("");
  std::fputs("\r", out_);
  std::fflush(out_);
}

// What is waited for when nothing moves.
std::string RetryText() {
  const auto retry = LongestRetry();
  if (!retry) return {};
  const int64_t left = std::max<int64_t>(0, (retry->gives_up_micros - SystemClock().WallMicros()) / 1000000);
  return "  trying again, for " + DescribeSeconds(left) + " more: " + retry->failure.message();
}

// In place; spaces cover what was longer before.
void ProgressLine::Redraw(std::string text) {
  text = FitLine(std::move(text), ScreenColumns(out_));
  const size_t width = text.size();
  if (last_.size() > width) text.append(last_.size() - width, ' ');
  std::fprintf(out_, "\r%s", text.c_str());
  last_ = text.substr(0, width);
}

void ProgressLine::Print(double bytes_per_second) {
  if (of_ == Of::kPlan) {
    if (progress_.files_total > 0) Redraw(PlanProgressText(progress_.files_done, progress_.files_total));
    std::fflush(out_);
    return;
  }
  const char* phase = progress_.phase;
  if (*phase == '\0') return;
  std::string text =
      ProgressText(phase, progress_.bytes_done, progress_.bytes_total, bytes_per_second, terminal_) + RetryText();
  if (terminal_) {
    Redraw(std::move(text));
  } else if (text != last_) {
    std::fprintf(out_, "%s\n", text.c_str());
    last_ = text;
  }
  std::fflush(out_);
}

Status ProgressLine::Draw(const CancelToken& stop) {
  const Clock& clock = SystemClock();
  const int64_t interval = terminal_ ? kTerminalMillis : kPlainMillis;
  int64_t next = clock.SteadyMillis() + (of_ == Of::kPlan ? kPlanMillis : interval);
  const int64_t begun = clock.SteadyMillis();
  uint64_t before = 0;
  int64_t before_millis = begun;
  double rate = 0;
  while (!stop.cancelled()) {
    clock.SleepMillis(50);
    const int64_t now = clock.SteadyMillis();
    if (now < next) continue;
    next = now + interval;
    const uint64_t done = progress_.bytes_done;
    const double latest =
        static_cast<double>(done - before) * 1000 / static_cast<double>(std::max<int64_t>(now - before_millis, 1));
    // Smoothed, so that the estimate does not jump.
    rate = rate == 0 ? latest : rate * 0.8 + latest * 0.2;
    before = done;
    before_millis = now;
    Print(rate);
  }
  return Status::Ok();
}

}  // namespace pitr::cli
