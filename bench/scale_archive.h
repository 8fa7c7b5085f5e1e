// Lines of the table of what people do often, on an archive of `segments` WAL segments of 1 MiB, with change maps, in a
// repository made for it. Segments of sealed groups and old backups are not there: nobody may look for them, and who
// does is told that they are missing.
//
// Whole groups of 1,048,576 segments cost nothing to make; of what is beyond them every segment and map is a file.
#pragma once
#include <cstdint>

namespace pitr {

// Whether everything worked; what did not is told on standard error.
bool BenchArchive(uint64_t segments);

}  // namespace pitr
