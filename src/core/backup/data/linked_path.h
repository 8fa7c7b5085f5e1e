// What a symbolic link in a data directory means to a backup. PostgreSQL follows links wherever they are, so what is
// behind one may be data that a recovery needs, configuration that the server needs to start, or nothing of either.
//
// The rules: in PostgreSQL's own directories what a link leads to is stored as if it were there, and a link that leads
// nowhere is an error. Elsewhere a small file is stored (configuration, certificates), and of a directory what an
// include_dir would read of it; all else is left out and recorded.
#pragma once
#include <string>
#include <vector>

#include "core/backup/data/file_stat.h"
#include "core/base/op_context.h"

namespace pitr {

// Of a file behind a link that is none of PostgreSQL's own: configuration is smaller.
inline constexpr uint64_t kMaxLinkedFileBytes = uint64_t{1} << 20;
inline constexpr size_t kMaxIncludedFiles = 1000;

struct LinkedPath {
  enum class Use {
    kFile,           // stored as a file
    kDirectory,      // walked as a directory
    kConfiguration,  // a directory of which `included` is stored
    kSkip,           // left out: `why`
    kRefuse,         // the backup cannot be taken: `why`
    kVanished        // it is not there any more
  };
  Use use = Use::kSkip;
  std::string target;                 // as it is written in the link
  std::string why;                    // a clause
  FileStat stat;                      // of what it leads to
  std::vector<std::string> included;  // names of files
  bool partial = false;               // kConfiguration: there is more in the directory
};

// `needed`: it is in one of PostgreSQL's own directories. Errors: I/O only.
Result<LinkedPath> LookThrough(const std::string& absolute, bool needed, const OpContext& ctx);

// Whether the file can be opened for reading, by opening it unless it plainly can. `info`: of the file, links followed.
// Returns 0, or why not as errno has it.
int ReadError(const std::string& absolute, const FileStat& info);

// "symbolic link", "socket", ...; "file" and "directory" too.
const char* FileKindName(mode_t mode);

}  // namespace pitr
