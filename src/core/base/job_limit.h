// How many threads one operation may be told to use: the settings ..._jobs, options and arguments that stand for them.
#pragma once

namespace pitr {

inline constexpr int kMaxJobs = 64;

}  // namespace pitr
