// The directories in which this machine's processes work, as far as the calling user may see them: a server, and each
// of its processes, works in its data directory.
#pragma once
#include <sys/types.h>

#include <functional>
#include <string>

namespace pitr {

// Calls `each` with a process's number and a path that leads to its directory ("/proc/<pid>/cwd"), until it returns
// false. What is not seen is no proof that there is none: a container of its own hides its processes.
void EachProcessDirectory(const std::function<bool(pid_t, const std::string&)>& each);

// Where such a path leads, for people; the path itself when that is not known.
std::string NameOfProcessDirectory(const std::string& path);

}  // namespace pitr
