#include "core/restore/written_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/base/parallel_for.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

// Connections, logs, files that are read.
constexpr rlim_t kOtherFiles = 256;
constexpr rlim_t kMostOpen = 65536;
constexpr size_t kLeastOpen = 16;

size_t DescriptorsToUse() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeastOpen;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, kMostOpen + kOtherFiles);
  if (limit.rlim_cur < wanted) {
    const struct rlimit raised { wanted, limit.rlim_max };
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  const rlim_t usable = std::min<rlim_t>(limit.rlim_cur, kMostOpen + kOtherFiles);
  return usable > kOtherFiles ? std::max<size_t>(usable - kOtherFiles, kLeastOpen) : kLeastOpen;
}

}  // namespace

WrittenFiles::WrittenFiles(const ClusterTree& tree, size_t most_open)
    : tree_(tree), most_open_(most_open != 0 ? most_open : DescriptorsToUse()) {}

WrittenFiles::File WrittenFiles::Insert(File file) {
  std::lock_guard lock(mutex_);
  files_.push_front(std::move(file));
  places_[files_.front().number] = files_.begin();
  if (files_.size() <= most_open_) return {};
  // One that somebody is writing to cannot be closed; there are few of those.
  for (auto at = std::prev(files_.end()); at != files_.begin(); --at) {
    if (at->fd.use_count() > 1) continue;
    if (const auto place = places_.find(at->number); place != places_.end() && place->second == at)
      places_.erase(place);
    File oldest = std::move(*at);
    files_.erase(at);
    return oldest;
  }
  return {};
}

Status WrittenFiles::Sync(const File& file) const {
  if (!file.fd) return Status::Ok();
  if (fsync(file.fd->get()) != 0) return FileError(errno, "syncing \"" + tree_.Locate(file.path) + "\"");
  if (const int error = file.fd->Close()) return FileError(error, "closing \"" + tree_.Locate(file.path) + "\"");
  return Status::Ok();
}

Status WrittenFiles::Keep(uint32_t number, const std::string& path, UniqueFd fd) {
  return Sync(Insert({number, path, std::make_shared<UniqueFd>(std::move(fd))}));
}

Result<std::shared_ptr<UniqueFd>> WrittenFiles::Open(uint32_t number, const std::string& path) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = places_.find(number); found != places_.end()) {
      files_.splice(files_.begin(), files_, found->second);
      return found->second->fd;
    }
  }
  PITR_ASSIGN(UniqueFd opened, tree_.OpenFile(path, O_RDWR));
  auto fd = std::make_shared<UniqueFd>(std::move(opened));
  // Another thread may have opened it meanwhile: both descriptors are kept, the older one under no number.
  PITR_TRY(Sync(Insert({number, path, fd})));
  return fd;
}

void WrittenFiles::EndNumbers() {
  std::lock_guard lock(mutex_);
  places_.clear();
}

Status WrittenFiles::SyncAll(int jobs, const OpContext& ctx) {
  std::vector<File> files;
  {
    std::lock_guard lock(mutex_);
    files.assign(std::make_move_iterator(files_.begin()), std::make_move_iterator(files_.end()));
    files_.clear();
    places_.clear();
  }
  return ParallelFor(jobs, files.size(), ctx, [&](size_t i, int) { return Sync(files[i]); });
}

size_t WrittenFiles::open_files() const {
  std::lock_guard lock(mutex_);
  return files_.size();
}

}  // namespace pitr
