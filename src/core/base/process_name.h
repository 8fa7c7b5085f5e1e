// Who did it, for objects and messages that people read.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace pitr {

// "host orders-db, process 4711"
std::string ProcessName();

// The process that had this name, when it is one of this host; it need not run any more.
std::optional<pid_t> ProcessOfThisHost(std::string_view name);
// Whether it runs, or another has its number by now.
bool MayRun(pid_t process);

}  // namespace pitr
