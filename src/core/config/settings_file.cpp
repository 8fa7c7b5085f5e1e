#include "core/config/settings_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/ascii.h"
#include "core/base/error_text.h"
#include "core/base/letter_case.h"
#include "core/base/unique_fd.h"
#include "core/base/unreadable_file.h"

namespace pitr {
namespace {

Status FileProblem(const std::string& path, const char* doing, int error) {
  return {Code::kInvalidArgument,
          std::string("could not ") + doing + " settings file \"" + path + "\": " + ErrorText(error)};
}

// A pipe or a directory is refused: reading could block, or fail later with less to say.
Result<std::string> ReadWhole(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return UnreadableFile("settings file", path, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return FileProblem(path, "stat", errno);
  if (!S_ISREG(info.st_mode))
    return Status(Code::kInvalidArgument, "settings file \"" + path + "\" is not a regular file");
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileProblem(path, "read", errno);
    if (n == 0) return text;
    if (text.size() + static_cast<size_t>(n) > kMaxSettingsFileBytes)
      return Status(Code::kInvalidArgument, "settings file \"" + path + "\" is larger than " +
                                                std::to_string(kMaxSettingsFileBytes) + " bytes");
    text.append(buffer, static_cast<size_t>(n));
  }
}

std::string Relative(const std::string& from_file, const std::string& to) {
  if (to.starts_with('/')) return to;
  const size_t slash = from_file.rfind('/');
  return slash == std::string::npos ? to : from_file.substr(0, slash + 1) + to;
}

// Files that include_dir means: *.conf, not hidden, in byte order.
Result<std::vector<std::string>> ListConfFiles(const std::string& directory) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (dir == nullptr) return UnreadableFile("settings directory", directory, errno);
  std::vector<std::string> files;
  while (dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(".conf") || name.size() < 6) continue;
    struct stat info {};
    const std::string path = directory + "/" + name;
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

using EachSetting = std::function<Status(const std::string& name, const std::string& value)>;

class Loader {
 public:
  explicit Loader(const EachSetting& each, std::vector<SettingProblem>* problems = nullptr)
      : each_(each), problems_(problems) {}
  Status Load(const std::string& path, int depth) {
    if (depth > kMaxIncludeDepth)
      return {Code::kInvalidArgument, "could not open settings file \"" + path + "\": maximum nesting depth exceeded"};
    if (++files_ > kMaxSettingsFiles)
      return {Code::kInvalidArgument, "could not open settings file \"" + path + "\": too many files are included"};
    PITR_ASSIGN(const std::string text, ReadWhole(path));
    if (text.starts_with(kByteOrderMark))
      return Status(Code::kInvalidArgument, "settings file \"" + path + "\" begins with a byte order mark")
          .WithHint(
              "Save it as plain UTF-8; an editor may call that \"UTF-8 without BOM\". This removes the mark: sed -i "
              "'1s/^\\xEF\\xBB\\xBF//' " +
              path);
    if (text.find('\0') != std::string::npos)
      return Status(Code::kInvalidArgument, "settings file \"" + path + "\" is not a text, or one in UTF-16")
          .WithHint("Save it as plain UTF-8. This does it: iconv -f utf-16 -t utf-8 " + path);
    PITR_ASSIGN(const std::vector<SettingsLine> lines, ParseSettingsText(text, path));
    for (const SettingsLine& line : lines) PITR_TRY(Obey(line, path, depth));
    return Status::Ok();
  }

 private:
  Status Obey(const SettingsLine& line, const std::string& path, int depth) {
    const std::string name = LowerCase(line.name);
    auto here = [&](Status status) {
      return std::move(status).Annotate("file \"" + path + "\" line " + std::to_string(line.line));
    };
    if (name == "include") return Include(Relative(path, line.value), depth, here);
    if (name == "include_if_exists") {
      const std::string other = Relative(path, line.value);
      if (access(other.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return Status::Ok();
      return Include(other, depth, here);
    }
    if (name == "include_dir") {
      auto files = ListConfFiles(Relative(path, line.value));
      if (!files.ok()) return here(std::move(files).status());
      for (const std::string& file : files.value()) PITR_TRY(Include(file, depth, here));
      return Status::Ok();
    }
    Status status = each_(name, line.value);
    if (problems_ == nullptr) return status.ok() ? status : here(std::move(status));
    // Of several lines the last one counts.
    std::erase_if(*problems_, [&](const SettingProblem& problem) { return problem.name == name; });
    if (!status.ok()) problems_->push_back({name, here(std::move(status))});
    return Status::Ok();
  }

  template <class Here>
  Status Include(const std::string& file, int depth, const Here& here) {
    Status status = Load(file, depth + 1);
    return status.ok() ? status : here(std::move(status));
  }

  const EachSetting& each_;
  std::vector<SettingProblem>* const problems_;
  int files_ = 0;
};

}  // namespace

Result<LoadedSettings> LoadSettings(const std::string& path) {
  LoadedSettings loaded;
  const EachSetting apply = [&](const std::string& name, const std::string& value) -> Status {
    if (!name.starts_with(kSettingPrefix)) return Status::Ok();
    const Setting* setting = FindSetting(name);
    return setting == nullptr ? UnknownSetting(name) : ApplySetting(*setting, value, loaded.config);
  };
  PITR_TRY(Loader(apply, &loaded.problems).Load(path, 0));
  return loaded;
}

Result<Config> LoadSettingsFile(const std::string& path) {
  PITR_ASSIGN(LoadedSettings loaded, LoadSettings(path));
  if (!loaded.problems.empty()) return std::move(loaded.problems.front().status);
  return std::move(loaded.config);
}

Status VisitSettings(const std::string& path, const EachSetting& each) { return Loader(each).Load(path, 0); }

}  // namespace pitr
