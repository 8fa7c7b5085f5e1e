// Who did it, for objects and messages that people read.
#pragma once
#include <string>

namespace pitr {

// "host orders-db, process 4711"
std::string ProcessName();

}  // namespace pitr
