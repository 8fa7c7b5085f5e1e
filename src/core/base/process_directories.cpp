#include "core/base/process_directories.h"

#include <charconv>
#include <filesystem>

namespace pitr {

namespace fs = std::filesystem;

void EachProcessDirectory(const std::function<bool(pid_t, const std::string&)>& each) {
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (!each(pid, entry->path().string() + "/cwd")) return;
  }
}

std::string NameOfProcessDirectory(const std::string& path) {
  std::error_code error;
  const std::string where = fs::read_symlink(path, error).string();
  return error ? path : where;
}

}  // namespace pitr
