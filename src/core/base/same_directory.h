// Whether two paths lead to one directory, or file.
#pragma once
#include <sys/stat.h>

#include <string>

namespace pitr {

// Links are followed; false when one of them cannot be looked at.
inline bool SameDirectory(const std::string& a, const std::string& b) {
  struct stat first, second;
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace pitr
