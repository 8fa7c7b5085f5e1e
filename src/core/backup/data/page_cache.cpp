#include "core/backup/data/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace pitr {
namespace {

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

void PageCacheKeeper::Begin(int fd, uint64_t offset, uint64_t length) {
  fd_ = fd;
  known_ = false;
  if (length == 0) return;
  const uint64_t page = PageBytes();
  first_page_ = offset / page;
  const uint64_t pages = (offset + length + page - 1) / page - first_page_;
  // The mapping is only asked about, never touched: no page is read through it and a shrinking file cannot raise
  // SIGBUS.
  void* mapping = mmap(nullptr, pages * page, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(first_page_ * page));
  if (mapping != MAP_FAILED) {
    resident_.resize(pages);
    known_ = mincore(mapping, pages * page, resident_.data()) == 0;
    munmap(mapping, pages * page);
  }
  if (known_)
    all_absent_ =
        std::none_of(resident_.begin(), resident_.end(), [](unsigned char state) { return (state & 1) != 0; });
  if (length > page)
    (void)posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_SEQUENTIAL);
}

void PageCacheKeeper::Release(uint64_t offset, uint64_t length) {
  if (!known_ || length == 0) return;
  const uint64_t page = PageBytes();
  if (all_absent_) {
    // The kernel keeps a page that the range covers in part.
    const uint64_t whole = (length + page - 1) / page * page;
    (void)posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(whole), POSIX_FADV_DONTNEED);
    return;
  }
  const uint64_t end = std::min<uint64_t>((offset + length + page - 1) / page, first_page_ + resident_.size());
  for (uint64_t at = std::max(offset / page, first_page_); at < end;) {
    uint64_t run = at;
    while (run < end && (resident_[run - first_page_] & 1) == 0) run++;
    if (run > at)
      (void)posix_fadvise(fd_, static_cast<off_t>(at * page), static_cast<off_t>((run - at) * page),
                          POSIX_FADV_DONTNEED);
    at = run + 1;
  }
}

}  // namespace pitr
