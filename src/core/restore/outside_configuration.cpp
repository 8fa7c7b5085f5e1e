#include "core/restore/outside_configuration.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "core/base/same_directory.h"
#include "core/config/settings_file.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDebianRoot = "/etc/postgresql";

// "15", "9.6". Only in such directories is looked for others: a file may lie anywhere, and the directories above it
// may hold a whole machine.
bool IsVersion(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789.") == std::string::npos && name.front() != '.';
}

bool Names(const std::string& file, const std::string& data_directory) {
  std::string named;
  // One that can be read in part names what it names before that place.
  (void)VisitSettings(file, [&](const std::string& name, const std::string& value) {
    if (name == "data_directory") named = value;
    return Status::Ok();
  });
  return !named.empty() && SameDirectory(named, data_directory);
}

std::set<fs::path> DirectoriesIn(const fs::path& directory) {
  std::set<fs::path> found;
  std::error_code error;
  fs::directory_iterator entry(directory, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) found.insert(entry->path());
  }
  return found;
}

// Every file <root>/<version>/<cluster>/postgresql.conf, in order.
void AddFiles(const fs::path& root, std::set<fs::path>& files) {
  std::error_code ignored;
  for (const fs::path& version : DirectoriesIn(root)) {
    if (!IsVersion(version.filename().string())) continue;
    for (const fs::path& cluster : DirectoriesIn(version))
      if (fs::exists(cluster / "postgresql.conf", ignored)) files.insert(cluster / "postgresql.conf");
  }
}

bool IsAbsent(const std::string& file) {
  return access(file.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

}  // namespace

OutsideConfiguration FindOutsideConfiguration(const std::string& data_directory, const std::string& original) {
  if (!original.empty() && Names(original, data_directory)) return {original, true, true};
  std::set<fs::path> files;
  const fs::path version = fs::path(original).parent_path().parent_path();
  if (IsVersion(version.filename().string())) AddFiles(version.parent_path(), files);
  AddFiles(kDebianRoot, files);
  for (const fs::path& file : files)
    if (Names(file.string(), data_directory)) return {file.string(), true, true};
  return {original, false, !original.empty() && !IsAbsent(original)};
}

}  // namespace pitr
