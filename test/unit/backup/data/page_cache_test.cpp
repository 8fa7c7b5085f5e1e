// Starts no thread.
#include "core/backup/data/page_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "core/base/unique_fd.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

size_t ResidentPages(int fd, size_t offset, size_t length) {
  void* mapping = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
  EXPECT_NE(mapping, MAP_FAILED);
  std::vector<unsigned char> state((length + 4095) / 4096);
  EXPECT_EQ(mincore(mapping, length, state.data()), 0);
  munmap(mapping, length);
  return static_cast<size_t>(std::count_if(state.begin(), state.end(), [](unsigned char s) { return (s & 1) != 0; }));
}

class PageCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = scratch_.path() + "/file";
    const Bytes bytes = test::MakeBytes(4 * kMiB, 1);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
    fd_ = UniqueFd(open(path.c_str(), O_RDWR));
    ASSERT_EQ(fsync(fd_.get()), 0);
    ASSERT_EQ(posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    // A file system in memory cannot give anything back; there it is enough that nothing breaks.
    in_memory_ = ResidentPages(fd_.get(), 0, 4 * kMiB) != 0;
  }
  void ReadAll(PageCacheKeeper& keeper) {
    Bytes buffer(kMiB);
    for (size_t at = 0; at < 4 * kMiB; at += kMiB) {
      ASSERT_EQ(pread(fd_.get(), buffer.data(), kMiB, static_cast<off_t>(at)), static_cast<ssize_t>(kMiB));
      keeper.Release(at, kMiB);
    }
  }
  test::ScratchDirectory scratch_;
  UniqueFd fd_;
  bool in_memory_ = false;
};

TEST_F(PageCacheTest, WhatWasNotCachedIsGivenBack) {
  PageCacheKeeper keeper;
  keeper.Begin(fd_.get(), 0, 4 * kMiB);
  ReadAll(keeper);
  EXPECT_LE(ResidentPages(fd_.get(), 0, 4 * kMiB), in_memory_ ? 1024U : 16U);
}

TEST_F(PageCacheTest, WhatWasCachedStays) {
  Bytes buffer(64 * 4096);
  ASSERT_EQ(posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_RANDOM), 0);
  ASSERT_EQ(pread(fd_.get(), buffer.data(), buffer.size(), kMiB), static_cast<ssize_t>(buffer.size()));
  ASSERT_EQ(ResidentPages(fd_.get(), kMiB, buffer.size()), 64U);
  PageCacheKeeper keeper;
  keeper.Begin(fd_.get(), 0, 4 * kMiB);
  ReadAll(keeper);
  EXPECT_EQ(ResidentPages(fd_.get(), kMiB, buffer.size()), 64U);
  EXPECT_LE(ResidentPages(fd_.get(), 0, 4 * kMiB), in_memory_ ? 1024U : 64U + 32U);
}

}  // namespace
}  // namespace pitr
