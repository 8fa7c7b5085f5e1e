#include "core/restore/server_logs.h"

#include <filesystem>
#include <vector>

#include "core/config/settings_file.h"
#include "core/pg/server_file.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = 65536;
constexpr std::string_view kLogDirectory = "log_directory", kConfigFile = "config_file";

// The settings among the arguments in postmaster.opts: each is quoted, "-c" "name=value" or "--name=value".
std::string SettingInOptions(std::string_view text, std::string_view name) {
  std::string value;
  for (size_t at = 0; (at = text.find(std::string(name) + "=", at)) != std::string_view::npos; at += name.size()) {
    const size_t begin = at + name.size() + 1;
    if (at > 0 && text[at - 1] != '"' && text[at - 1] != '-' && text[at - 1] != 'c') continue;
    value = text.substr(begin, text.find('"', begin) - begin);
  }
  return value;
}

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
    if (name == kLogDirectory) add(value);
    return Status::Ok();
  };
  const std::string options = ReadText(tree, "postmaster.opts");
  std::string configuration = SettingInOptions(options, kConfigFile);
  if (configuration.empty()) configuration = tree.data_directory() + "/postgresql.conf";
  // A file that cannot be understood names what it names before that place.
  (void)VisitSettings(configuration, each);
  (void)VisitSettings(tree.data_directory() + "/postgresql.auto.conf", each);
  if (const std::string given = SettingInOptions(options, kLogDirectory); !given.empty()) add(given);
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
