// A data directory and a directory repository beside it that it is backed up to.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "bench/counted_repository.h"

namespace pitr {

class BackedUpTree {
 public:
  BackedUpTree() : directory_(tree_.outside() + "/repository") {
    std::filesystem::create_directories(tree_.root() + "/base/4");
  }

  // A relation of the only database.
  static std::string PathOf(uint64_t file) { return "base/4/" + std::to_string(100000 + file); }
  const test::DataTree& tree() const { return tree_; }
  const std::string& directory() const { return directory_; }  // of the repository
  std::string LabelOf(uint64_t number) const { return "b" + std::to_string(number); }
  uint64_t taken() const { return taken_; }

  Status Open(CountedRepository& r) const { return r.Open(directory_, tree_.identity()); }

  // A page at an offset, of before the first backup, or changed since the last.
  Status WritePage(uint64_t file, uint64_t offset) const {
    const std::string path = tree_.root() + "/" + PathOf(file);
    const Lsn lsn = taken_ == 0 ? Lsn{0x4000000} : Lsn{taken_ * 0x4000000 + 0x200000};
    const Bytes page =
        test::MakePages(static_cast<uint32_t>(offset / 8192), 1, static_cast<uint32_t>(file + taken_), lsn);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    const bool written = fd >= 0 && pwrite(fd, page.data(), page.size(), static_cast<off_t>(offset)) ==
                                        static_cast<ssize_t>(page.size());
    if (fd >= 0) close(fd);
    return written ? Status::Ok() : Status(Code::kInternal, "could not write " + path);
  }

  // The next one, in this process; a child process does not count it for its parent.
  Result<BackupManifest> Take(CountedRepository& r, BackupType type) const {
    const uint64_t number = taken_ + 1;
    BackupOptions options;
    options.type = type;
    options.label = LabelOf(number);
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    options.change_source = "page_lsn";  // there is no WAL
    PITR_ASSIGN(const auto session, BackupSession::Begin(*r.repository, options, r.ctx));
    Progress progress;
    PITR_ASSIGN(BackupStop stop, test::CopyPlaced(*session, tree_, number, progress, r.ctx));
    stop.backup_label += "LABEL: bench\nSTART TIMELINE: 1\n";  // which a restore reads
    return session->Finish(stop, r.ctx);
  }

  void Count() { taken_++; }  // the one that was taken

  // A line of the table for what `body` does on the repository.
  bool LineOn(const std::string& size, const char* what, const std::function<Status(CountedRepository&)>& body) const {
    return pitr::LineOn(directory_, tree_.identity(), size, what, body);
  }
  // A line for the next backup.
  bool Backup(const std::string& size, const char* what, BackupType type) {
    const bool ok = LineOn(size, what, [&](CountedRepository& r) -> Status {
      PITR_ASSIGN(const BackupManifest manifest, Take(r, type));
      return manifest.type == type ? Status::Ok() : Status(Code::kInternal, "a backup of another type was taken");
    });
    Count();
    return ok;
  }

 private:
  test::DataTree tree_;
  std::string directory_;
  uint64_t taken_ = 0;
};

}  // namespace pitr
