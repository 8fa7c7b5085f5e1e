#include "core/restore/server_logs.h"

#include <filesystem>
#include <map>

#include "core/config/settings_file.h"
#include "core/pg/server_file.h"
#include "core/restore/configured_server.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = 65536;

std::string InDataDirectory(const ClusterTree& tree, const std::string& path) {
  fs::path plain = fs::path(path).lexically_normal();
  if (plain.is_absolute()) {
    std::error_code error;
    plain = plain.lexically_relative(tree.data_directory());
    if (plain.empty() || *plain.begin() == "..") {
      const fs::path real = fs::weakly_canonical(path, error), data = fs::canonical(tree.data_directory(), error);
      plain = real.lexically_relative(data);
    }
  }
  std::string inside = plain.string();
  while (inside.ends_with('/')) inside.pop_back();
  if (inside.empty() || inside == "." || inside == ".." || inside.starts_with("../") || IsServerFile(inside)) return {};
  return inside;
}

std::string ReadText(const ClusterTree& tree, std::string_view path) {
  const auto content = tree.ReadWhole(path, kMaxBytes);
  return content.ok() ? std::string(AsText(content.value())) : std::string();
}

}  // namespace

ServerLogs::ServerLogs() : directories_{"log", "pg_log"} {}

ServerLogs ServerLogs::Of(const ClusterTree& tree) {
  ServerLogs logs;
  const auto add = [&](const std::string& path) {
    if (const std::string inside = InDataDirectory(tree, path); !inside.empty()) logs.directories_.insert(inside);
  };
  // Every value that is found counts: to keep one directory too many does no harm.
  const auto each = [&](const std::string& name, const std::string& value) {
    if (name == "log_directory") add(value);
    return Status::Ok();
  };
  std::map<std::string, std::string> given = SettingsGiven(ReadText(tree, "postmaster.opts"));
  std::string configuration = given["config_file"];
  if (configuration.empty()) configuration = tree.data_directory() + "/postgresql.conf";
  // A file that cannot be understood names what it names before that place.
  (void)VisitSettings(configuration, each);
  (void)VisitSettings(tree.data_directory() + "/postgresql.auto.conf", each);
  if (const std::string directory = given["log_directory"]; !directory.empty()) add(directory);
  // Lines "stderr log/server.log"; without a directory the log is among other files.
  std::string current = ReadText(tree, "current_logfiles");
  for (size_t at = 0; at < current.size();) {
    const size_t newline = std::min(current.find('\n', at), current.size());
    const std::string line = current.substr(at, newline - at);
    if (const size_t space = line.find(' '); space != std::string::npos)
      add(fs::path(line.substr(space + 1)).parent_path().string());
    at = newline + 1;
  }
  return logs;
}

bool ServerLogs::Holds(std::string_view path) const {
  for (std::string_view at = path;;) {
    if (directories_.contains(at)) return true;
    const size_t slash = at.rfind('/');
    if (slash == std::string_view::npos) return false;
    at = at.substr(0, slash);
  }
}

}  // namespace pitr
