// Timelines that an operator has set aside: no plan, window or standby chooses them by itself. Nothing is deleted for
// it, and it can be taken back (docs/format.md, section 22). Written once each; the one with the highest number counts.
#pragma once
#include <map>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

inline constexpr size_t kMaxAsideReasonBytes = 1000;

struct TimelineAside {
  bool aside = false;  // false: taken back
  std::string reason;  // for people; may be empty
  std::string by;      // host and process
  int64_t micros = 0;  // wall clock of who did it
};
// "on 2026-05-22 14:29:00+00 by host a, process 7 (test copy)"
std::string DescribeAside(const TimelineAside& aside);

// What was said last of every timeline, by number. One that cannot be read is reported in the log and counts as not
// there: a branch too many in a choice is a refusal, one too few a wrong answer. Errors are those of the store.
Result<std::map<Timeline, TimelineAside>> LoadTimelineAsides(const Repository& repository, const OpContext& ctx);

// Sets the timeline aside, or takes it back. False: it was so already. kNotFound (the archive has
// nothing of that timeline), kInvalidArgument (reason too long).
Result<bool> SetTimelineAside(const Repository& repository, Timeline timeline, const TimelineAside& aside,
                              const OpContext& ctx);

}  // namespace pitr
