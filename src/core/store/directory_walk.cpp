#include "core/store/directory_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/base/unique_fd.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

struct Entry {
  std::string name;  // that of a directory ends in '/', as in a key
  bool operator<(const Entry& other) const { return name < other.name; }
  bool is_directory() const { return name.back() == '/'; }
};

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

std::string Reading(const std::string& path) { return "reading directory \"" + path + "\" of the store"; }

int64_t ModifiedMicros(const struct stat& st) {
  return st.st_mtim.tv_sec * int64_t{1000000} + st.st_mtim.tv_nsec / 1000;
}

// What was listed a moment ago and is not found is gone only when a second look agrees: a listing that leaves out by
// mistake what is there would be taken for its absence.
Status IsGone(int root, const std::string& path, bool as_directory) {
  struct stat st {};
  if (fstatat(root, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Status::Ok();
    return FileError(errno, "looking up \"" + path + "\" in the store");
  }
  if (as_directory && S_ISREG(st.st_mode)) return Status::Ok();  // an object has none below it
  return {Code::kUnavailable, "listing \"" + path + "\" in the store: it is there and was not found"};
}

// Files and directories of `directory` ("" or ending in '/'), unsorted. One that is gone is empty.
Result<std::vector<Entry>> ReadEntries(int root, const std::string& directory, const OpContext& ctx) {
  std::vector<Entry> entries;
  UniqueFd fd(openat(root, directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) {
    if (directory.empty() || (errno != ENOENT && errno != ENOTDIR)) return FileError(errno, Reading(directory));
    PITR_TRY(IsGone(root, directory.substr(0, directory.size() - 1), /*as_directory=*/true));
    return entries;
  }
  std::unique_ptr<DIR, CloseDir> dir(fdopendir(fd.get()));
  if (dir == nullptr) return FileError(errno, Reading(directory));
  const int dir_fd = fd.Release();  // closedir() closes it
  for (size_t n = 1;; n++) {
    if (n % 1024 == 0) PITR_TRY(ctx.Check());
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) return FileError(errno, Reading(directory));
      return entries;
    }
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN || type == DT_LNK) {
      struct stat st {};
      if (fstatat(dir_fd, entry->d_name, &st, 0) != 0) {
        if (errno == ENOENT) continue;
        return FileError(errno, Reading(directory + name));
      }
      type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR) name += '/';
    if (type == DT_DIR || type == DT_REG) entries.push_back({std::move(name)});
  }
}

class KeyWalk {
 public:
  KeyWalk(int root, const WalkQuery& query, const OpContext& ctx) : root_(root), query_(query), ctx_(ctx) {}

  Status Visit(const std::string& directory) {
    PITR_TRY(ctx_.Check());
    PITR_ASSIGN(std::vector<Entry> entries, ReadEntries(root_, directory, ctx_));
    std::erase_if(entries, [&](const Entry& entry) { return !Wanted(directory, entry); });
    std::sort(entries.begin(), entries.end());
    for (const Entry& entry : entries) {
      PITR_TRY(entry.is_directory() ? Visit(directory + entry.name) : Add(directory + entry.name));
      if (page_.more) break;
    }
    return Status::Ok();
  }
  ListPage TakePage() { return std::move(page_); }

 private:
  bool Wanted(const std::string& directory, const Entry& entry) const {
    std::string path = directory + entry.name;
    if (!entry.is_directory())
      return path.starts_with(query_.prefix) && path > query_.start_after && CheckKey(path).ok();
    if (!path.starts_with(query_.prefix) && !query_.prefix.starts_with(path)) return false;
    if (path < query_.start_after && !query_.start_after.starts_with(path)) return false;
    path.pop_back();
    return CheckKey(path).ok() && !(directory.empty() && IsForeignRootName(path));
  }

  Status Add(const std::string& key) {
    struct stat st {};
    if (fstatat(root_, key.c_str(), &st, 0) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return IsGone(root_, key, /*as_directory=*/false);
      return FileError(errno, "looking up \"" + key + "\" in the store");
    }
    if (!S_ISREG(st.st_mode)) return Status::Ok();
    if (page_.objects.size() == query_.limit) {
      page_.more = true;
    } else {
      page_.objects.push_back({key, static_cast<uint64_t>(st.st_size), ModifiedMicros(st)});
    }
    return Status::Ok();
  }

  const int root_;
  const WalkQuery& query_;
  const OpContext& ctx_;
  ListPage page_;
};

}  // namespace

bool IsForeignRootName(std::string_view name) { return name == "lost+found" || name == ".snapshot" || name == ".zfs"; }

Result<ListPage> WalkKeys(int root, const WalkQuery& query, const OpContext& ctx) {
  const size_t slash = query.prefix.rfind('/');
  std::string start = slash == std::string::npos ? "" : query.prefix.substr(0, slash + 1);
  // No key begins with a prefix that breaks the rules for keys; and ".." must not lead out of the root.
  if (!start.empty()) {
    std::string parent = start.substr(0, slash);
    if (!CheckKey(parent).ok() || IsForeignRootName(parent.substr(0, parent.find('/')))) return ListPage{};
  }
  KeyWalk walk(root, query, ctx);
  PITR_TRY(walk.Visit(start));
  return walk.TakePage();
}

Result<std::vector<std::string>> WalkFiles(int root, const std::string& directory, size_t limit, const OpContext& ctx) {
  std::vector<std::string> files;
  std::vector<std::string> todo{directory};
  while (!todo.empty()) {
    PITR_TRY(ctx.Check());
    std::string next = std::move(todo.back());
    todo.pop_back();
    PITR_ASSIGN(std::vector<Entry> entries, ReadEntries(root, next, ctx));
    for (const Entry& entry : entries) {
      if (entry.is_directory()) {
        todo.push_back(next + entry.name);
      } else if (files.size() < limit) {
        files.push_back(next + entry.name);
      } else {
        return files;
      }
    }
  }
  return files;
}

}  // namespace pitr
