#include "core/store/credential_source.h"

#include <cstdlib>

namespace pitr {

std::optional<std::string> ProcessEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || value[0] == '\0') return std::nullopt;
  return value;
}

}  // namespace pitr
