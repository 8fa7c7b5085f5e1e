#include "core/base/error_text.h"

#include <cstring>

namespace pitr {

std::string ErrorText(int error) {
  char buffer[256];
  return strerror_r(error, buffer, sizeof buffer);
}

}  // namespace pitr
