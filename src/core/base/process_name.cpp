#include "core/base/process_name.h"

#include <unistd.h>

namespace pitr {

std::string ProcessName() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return std::string("host ") + host + ", process " + std::to_string(getpid());
}

}  // namespace pitr
