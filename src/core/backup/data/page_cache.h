// Leaves the page cache as a backup found it: what was not in memory before it was read is given back afterwards, what
// the server keeps hot stays. Best effort: where residency cannot be asked for, nothing is given back. One thread;
// borrows the descriptor.
#pragma once
#include <cstdint>
#include <vector>

namespace pitr {

class PageCacheKeeper {
 public:
  // Notes which pages of the file's range are in memory (a bit of bookkeeping per page: 16 kB for 64 MiB) and asks
  // for sequential reading ahead. To be called before anything of the range is read.
  void Begin(int fd, uint64_t offset, uint64_t length);
  // The range, part of Begin()'s, has been read.
  void Release(uint64_t offset, uint64_t length);

 private:
  int fd_ = -1;
  uint64_t first_page_ = 0;
  std::vector<unsigned char> resident_;  // one for each page from first_page_; reused between files
  bool all_absent_ = false;
  bool known_ = false;
};

}  // namespace pitr
