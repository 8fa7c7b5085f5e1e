// Lines of the table of what backups take, and what a restore reads before it writes, on a cluster of `gigabytes`
// relation segments of 1 GiB. The data directory's files are sparse, and so are the packs of its first backup, whose
// file map is made here and not by a backup: four pieces for each MiB, as after increments, the largest part of what a
// backup knows. So nothing of the content is read, but of the file that is changed.
#pragma once
#include <cstdint>

namespace pitr {

// Whether everything worked; what did not is told on standard error.
bool BenchSizes(uint64_t gigabytes);

}  // namespace pitr
