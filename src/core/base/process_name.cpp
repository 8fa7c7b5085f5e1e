#include "core/base/process_name.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace pitr {
namespace {

std::string HostPrefix() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return std::string("host ") + host + ", process ";
}

}  // namespace

std::string ProcessName() { return HostPrefix() + std::to_string(getpid()); }

bool MayRun(pid_t process) { return kill(process, 0) == 0 || errno == EPERM; }

std::optional<pid_t> ProcessOfThisHost(std::string_view name) {
  const std::string prefix = HostPrefix();
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size() || pid <= 0) return std::nullopt;
  return pid;
}

}  // namespace pitr
