#include "core/base/log.h"

namespace pitr {

Log& NullLog() {
  class Null final : public Log {
    void Write(LogLevel, const std::string&) override {}
  };
  static Null log;
  return log;
}

}  // namespace pitr
