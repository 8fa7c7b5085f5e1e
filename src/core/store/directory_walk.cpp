#include "core/store/directory_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/store/file_error.h"

namespace pitr {
namespace {

struct Entry {
  std::string name;  // that of a directory ends in '/', as in a key
  bool is_link = false;
  bool operator<(const Entry& other) const { return name < other.name; }
  bool is_directory() const { return name.back() == '/'; }
};

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Stays open, so that its entries are looked up in it and not by their whole paths.
struct Directory {
  std::unique_ptr<DIR, CloseDir> stream;  // null for one that is gone
  std::vector<Entry> entries;             // files, directories and links, unsorted
};

std::string Reading(const std::string& path) { return "reading directory \"" + path + "\" of the store"; }

std::string LookingUp(const std::string& path) { return "looking up \"" + path + "\" in the store"; }

int64_t ModifiedMicros(const struct stat& st) {
  return st.st_mtim.tv_sec * int64_t{1000000} + st.st_mtim.tv_nsec / 1000;
}

// What was listed a moment ago and is not found is gone only when a second look agrees: a listing that leaves out by
// mistake what is there would be taken for its absence.
Status IsGone(const DirectoryTree& tree, const std::string& path, bool as_directory) {
  struct stat st {};
  if (tree.Stat(path, &st) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Status::Ok();
    return tree.Error(errno, path, LookingUp(path));
  }
  if (as_directory && S_ISREG(st.st_mode)) return Status::Ok();  // an object has none below it
  return {Code::kUnavailable, "listing \"" + path + "\" in the store: it is there and was not found"};
}

// `path` is "" or ends in '/'.
Result<Directory> ReadDirectory(const DirectoryTree& tree, const std::string& path, const OpContext& ctx) {
  Directory directory;
  const std::string bare = path.substr(0, path.size() - (path.empty() ? 0 : 1));
  UniqueFd fd = tree.Open(bare, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) {
    if (path.empty() || (errno != ENOENT && errno != ENOTDIR)) return tree.Error(errno, bare, Reading(path));
    PITR_TRY(IsGone(tree, bare, /*as_directory=*/true));
    return directory;
  }
  directory.stream.reset(fdopendir(fd.get()));
  if (directory.stream == nullptr) return FileError(errno, Reading(path));
  const int dir_fd = fd.Release();  // closedir() closes it
  for (size_t n = 1;; n++) {
    if (n % 1024 == 0) PITR_TRY(ctx.Check());
    errno = 0;
    const dirent* entry = readdir(directory.stream.get());
    if (entry == nullptr) {
      if (errno != 0) return FileError(errno, Reading(path));
      return directory;
    }
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat st {};
      if (DirectoryTree::StatEntry(dir_fd, entry->d_name, &st) != 0) {
        if (errno == ENOENT) continue;
        return FileError(errno, Reading(path + name));
      }
      type = IFTODT(st.st_mode);
    }
    if (type == DT_DIR) name += '/';
    if (type == DT_DIR || type == DT_REG || type == DT_LNK)
      directory.entries.push_back({std::move(name), type == DT_LNK});
  }
}

class KeyWalk {
 public:
  KeyWalk(const DirectoryTree& tree, const WalkQuery& query, const OpContext& ctx)
      : tree_(tree), query_(query), ctx_(ctx) {}

  Status Visit(const std::string& path) {
    PITR_TRY(ctx_.Check());
    PITR_ASSIGN(Directory directory, ReadDirectory(tree_, path, ctx_));
    std::vector<Entry>& entries = directory.entries;
    std::erase_if(entries, [&](const Entry& entry) { return !Wanted(path, entry); });
    std::sort(entries.begin(), entries.end());
    for (const Entry& entry : entries) {
      PITR_TRY(entry.is_directory() ? Visit(path + entry.name) : Add(directory, path, entry));
      if (page_.more) break;
    }
    return Status::Ok();
  }
  ListPage TakePage() { return std::move(page_); }

 private:
  // A link can stand for an object or for a directory of them.
  bool Wanted(const std::string& directory, const Entry& entry) const {
    if (entry.is_link && directory.empty() && IsForeignRootName(entry.name)) return false;
    if (entry.is_link && Wanted(directory, {entry.name + "/"})) return true;
    std::string path = directory + entry.name;
    if (!entry.is_directory())
      return path.starts_with(query_.prefix) && path > query_.start_after && CheckKey(path).ok();
    if (!path.starts_with(query_.prefix) && !query_.prefix.starts_with(path)) return false;
    if (path < query_.start_after && !query_.start_after.starts_with(path)) return false;
    path.pop_back();
    return CheckKey(path).ok() && !(directory.empty() && IsForeignRootName(path));
  }

  Status Add(const Directory& directory, const std::string& path, const Entry& entry) {
    std::string key = path + entry.name;
    struct stat st {};
    if (DirectoryTree::StatEntry(dirfd(directory.stream.get()), entry.name.c_str(), &st) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return IsGone(tree_, key, /*as_directory=*/false);
      return FileError(errno, LookingUp(key));
    }
    if (S_ISLNK(st.st_mode)) return tree_.Error(ELOOP, key, LookingUp(key));
    if (!S_ISREG(st.st_mode)) return Status::Ok();
    const size_t n = page_.objects.size();
    if (n >= query_.most || (n >= query_.limit && path != last_read_)) {
      page_.more = true;
    } else {
      last_read_ = path;
      page_.objects.push_back({std::move(key), static_cast<uint64_t>(st.st_size), ModifiedMicros(st)});
    }
    return Status::Ok();
  }

  const DirectoryTree& tree_;
  const WalkQuery& query_;
  const OpContext& ctx_;
  ListPage page_;
  std::string last_read_;  // the directory of the page's last file
};

}  // namespace

bool IsForeignRootName(std::string_view name) { return name == "lost+found" || name == ".snapshot" || name == ".zfs"; }

Result<ListPage> WalkKeys(const DirectoryTree& tree, const WalkQuery& query, const OpContext& ctx) {
  const size_t slash = query.prefix.rfind('/');
  std::string start = slash == std::string::npos ? "" : query.prefix.substr(0, slash + 1);
  // No key begins with a prefix that breaks the rules for keys; and ".." must not lead out of the root.
  if (!start.empty()) {
    std::string parent = start.substr(0, slash);
    if (!CheckKey(parent).ok() || IsForeignRootName(parent.substr(0, parent.find('/')))) return ListPage{};
  }
  KeyWalk walk(tree, query, ctx);
  PITR_TRY(walk.Visit(start));
  return walk.TakePage();
}

Result<std::vector<std::string>> ListDirectories(const DirectoryTree& tree, const std::string& directory,
                                                 const OpContext& ctx) {
  std::vector<std::string> directories;
  PITR_ASSIGN(const Directory read, ReadDirectory(tree, directory, ctx));
  for (const Entry& entry : read.entries) {
    std::string path = directory + entry.name;
    if (entry.is_link) return tree.Error(ELOOP, path, LookingUp(path));
    if (!entry.is_directory()) continue;
    path.pop_back();
    directories.push_back(std::move(path));
  }
  return directories;
}

Result<std::vector<std::string>> WalkFiles(const DirectoryTree& tree, const std::string& directory, size_t limit,
                                           const OpContext& ctx) {
  std::vector<std::string> files;
  std::vector<std::string> todo{directory};
  while (!todo.empty()) {
    PITR_TRY(ctx.Check());
    std::string next = std::move(todo.back());
    todo.pop_back();
    PITR_ASSIGN(const Directory read, ReadDirectory(tree, next, ctx));
    for (const Entry& entry : read.entries) {
      if (entry.is_link) return tree.Error(ELOOP, next + entry.name, LookingUp(next + entry.name));
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
