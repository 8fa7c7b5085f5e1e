#include "core/backup/data/page_check.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/base/unique_fd.h"
#include "core/pg/page.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

constexpr Lsn kStart{0x5000000};
constexpr Lsn kOld{0x4000000};
constexpr Lsn kNewPage{0x6000000};

class PageCheckTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, ByteView bytes) {
    path_ = scratch_.path() + "/" + name;
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
    fd_ = UniqueFd(open(path_.c_str(), O_RDWR));
    ASSERT_TRUE(fd_.ok());
  }
  Status Check(Bytes& bytes) {
    return PageChecker(findings_, kStart).Check(fd_.get(), path_, 0, bytes, bad_, OpContext());
  }

  test::ScratchDirectory scratch_;
  std::string path_;
  UniqueFd fd_;
  PageFindings findings_;
  std::vector<uint32_t> bad_;
};

TEST_F(PageCheckTest, GoodNewAndPartialPagesPass) {
  Bytes bytes = test::MakePages(2 * kBlocksPerSegment, 3, 1, kOld);
  bytes.resize(bytes.size() + kPageSize, 0);
  bytes.resize(bytes.size() + 1000, 77);
  Write("16384.2", bytes);
  EXPECT_TRUE(Check(bytes).ok());
  EXPECT_EQ(findings_.count(), 0U);
}

TEST_F(PageCheckTest, ABadPageIsNamed) {
  Bytes bytes = test::MakePages(0, 5, 1, kOld);
  bytes[3 * kPageSize + 100] ^= 1;
  Write("16384", bytes);
  EXPECT_TRUE(Check(bytes).ok());
  ASSERT_EQ(findings_.count(), 1U);
  EXPECT_EQ(findings_.errors()[0].path, path_);
  EXPECT_EQ(findings_.errors()[0].block, 3U);
  const Status status = findings_.ToStatus();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.detail().find("16384\" block 3"), std::string::npos) << status.detail();
}

TEST_F(PageCheckTest, APageOfAnotherBlockIsBad) {
  Bytes bytes = test::MakePages(7, 1, 1, kOld);
  Write("16384", bytes);
  EXPECT_TRUE(Check(bytes).ok());
  EXPECT_EQ(findings_.count(), 1U);
}

TEST_F(PageCheckTest, ATornReadIsReplacedByALaterOne) {
  const Bytes whole = test::MakePages(0, 2, 1, kOld);
  Write("16384", whole);
  Bytes torn = whole;
  std::fill(torn.begin() + kPageSize + 4096, torn.end(), 9);
  EXPECT_TRUE(Check(torn).ok());
  EXPECT_EQ(findings_.count(), 0U);
  EXPECT_EQ(torn, whole);
}

TEST_F(PageCheckTest, APageNewerThanTheStartIsWalsBusinessUnlessItIsNewerThanTheEnd) {
  Bytes bytes = test::MakePages(0, 2, 1, kNewPage);
  bytes[5000] ^= 1;
  bytes[kPageSize + 5000] ^= 1;
  StoreLe<uint32_t>(&bytes[kPageSize], 0x77);  // the high half of an impossible LSN
  Write("16384", bytes);
  EXPECT_TRUE(Check(bytes).ok());
  EXPECT_EQ(findings_.count(), 0U);
  findings_.Settle(Lsn{0x7000000});
  ASSERT_EQ(findings_.count(), 1U);
  EXPECT_EQ(findings_.errors()[0].block, 1U);
}

TEST_F(PageCheckTest, ATruncatedFileIsNoError) {
  Bytes bytes = test::MakePages(0, 2, 1, kOld);
  Write("16384", bytes);
  bytes[kPageSize + 5000] ^= 1;
  ASSERT_EQ(ftruncate(fd_.get(), kPageSize), 0);
  EXPECT_TRUE(Check(bytes).ok());
  EXPECT_EQ(findings_.count(), 0U);
}

TEST_F(PageCheckTest, ManyBadPagesAreCountedAndListedInPart) {
  for (uint32_t i = 0; i < 3 * kMaxPageErrors; i++) findings_.AddBad("base/5/1", i);
  EXPECT_EQ(findings_.errors().size(), kMaxPageErrors);
  EXPECT_EQ(findings_.count(), 3 * kMaxPageErrors);
  EXPECT_NE(findings_.ToStatus().detail().find("2990 more"), std::string::npos) << findings_.ToStatus().detail();
}

TEST_F(PageCheckTest, CancelStopsTheRereading) {
  Bytes bytes = test::MakePages(0, 1, 1, kOld);
  bytes[100] ^= 1;
  Write("16384", bytes);
  CancelToken cancel;
  cancel.Cancel();
  OpContext ctx;
  ctx.cancel = &cancel;
  EXPECT_EQ(PageChecker(findings_, kStart).Check(fd_.get(), path_, 0, bytes, bad_, ctx).code(), Code::kCancelled);
}

// A thread rewrites pages in two halves, never without a valid page in the end: no page may be called bad.
TEST_F(PageCheckTest, PagesUnderRewritingAreNeverCalledBad) {
  constexpr size_t kPages = 16;
  Write("16384", test::MakePages(0, kPages, 1, kOld));
  const Bytes versions[2] = {test::MakePages(0, kPages, 1, kOld), test::MakePages(0, kPages, 2, kOld)};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint32_t i = 0; !stop.load(); i++) {
      const Bytes& from = versions[i % 2];
      const size_t at = i / 2 % kPages * kPageSize;
      for (const size_t half : {size_t{0}, kPageSize / 2}) {
        EXPECT_EQ(pwrite(fd_.get(), &from[at + half], kPageSize / 2, static_cast<off_t>(at + half)),
                  ssize_t{kPageSize / 2});
      }
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  for (int round = 0; round < 300; round++) {
    Bytes bytes(kPages * kPageSize);
    EXPECT_EQ(pread(fd_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    EXPECT_TRUE(Check(bytes).ok());
    for (size_t page = 0; page < kPages; page++)
      EXPECT_NE(VerifyPage(ByteView(bytes).subspan(page * kPageSize, kPageSize), static_cast<uint32_t>(page)),
                PageVerdict::kBad);
  }
  stop = true;
  writer.join();
  EXPECT_EQ(findings_.count(), 0U) << findings_.ToStatus().ToString();
}

}  // namespace
}  // namespace pitr
