// Shows the progress of what takes long: a bar that redraws itself on a terminal, a plain line now and then elsewhere.
// Draws from a thread of its own until it is destroyed.
#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include "core/base/progress.h"
#include "core/base/thread.h"

namespace pitr::cli {

// "[########............]  41%  1.2 GB of 2.9 GB  210.4 MB/s  ETA 8 s". Pure.
std::string ProgressText(uint64_t done, uint64_t total, double bytes_per_second, bool bar);

// "looking at WAL: 120 of 200 segments". Pure.
std::string PlanProgressText(uint64_t done, uint64_t total);

class ProgressLine {
 public:
  // Bytes of a restore or a verification; or segments that a plan looks at, on a terminal only, when that takes longer
  // than a second, and gone when it is done.
  enum class Of { kBytes, kPlan };
  // `progress` and `out` are borrowed.
  ProgressLine(const Progress& progress, FILE* out, Of of = Of::kBytes);
  ~ProgressLine();  // draws the end and a newline
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  Status Draw(const CancelToken& stop);
  void Print(double bytes_per_second);
  void Redraw(std::string text);
  const Progress& progress_;
  FILE* const out_;
  const bool terminal_;
  const Of of_;
  std::string last_;
  std::unique_ptr<Job> job_;
};

}  // namespace pitr::cli
