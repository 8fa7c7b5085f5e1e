// Shows the progress of what takes long: a bar that redraws itself on a terminal, a plain line now and then elsewhere.
// Draws from a thread of its own until it is destroyed.
#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include "core/base/progress.h"
#include "core/base/thread.h"

namespace pitr::cli {

// "fetching [######..........]  41%  1.2 GB of 2.9 GB  210.4 MB/s  ETA 8 s"; without a bar "fetching:  41%  ...". While
// something is still to be done it is never 100 %, and where no bytes are left to be counted the phase stands alone.
// Pure.
std::string ProgressText(const std::string& phase, uint64_t done, uint64_t total, double bytes_per_second, bool bar);

// `text` cut where it would not fit a line of `columns`. Pure.
std::string FitLine(std::string text, size_t columns);

// "looking at WAL: 120 of 200 segments". Pure.
std::string PlanProgressText(uint64_t done, uint64_t total);

class ProgressLine {
 public:
  // Bytes of a restore or a verification; or segments that a plan looks at, on a terminal only, when that takes longer
  // than a second, and gone when it is done.
  enum class Of { kBytes, kPlan };
  // `progress` and `out` are borrowed.
  ProgressLine(const Progress& progress, FILE* out, Of of = Of::kBytes);
  ~ProgressLine();  // on a terminal the line is gone: what follows says how it ended
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
