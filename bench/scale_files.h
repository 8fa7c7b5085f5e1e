// Lines of the table of what backups and restores take, on a data directory of `files` files of one page.
// 1,000,000 files take 4 GB in memory and more on most disks.
#pragma once
#include <cstdint>

namespace pitr {

// Whether everything worked; what did not is told on standard error.
bool BenchFiles(uint64_t files);

}  // namespace pitr
