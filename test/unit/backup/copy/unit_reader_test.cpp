#include "core/backup/copy/unit_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/bytes.h"
#include "core/pg/page.h"
#include "lib/test_clock.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr Lsn kReaderStart{0x5000000};

class UnitReaderTest : public testing::Test {
 protected:
  UnitReaderTest() {
    directory_.root = scratch_.path();
    ctx_.clock = &clock_;
  }
  std::string Absolute(const std::string& path) const { return directory_.root + "/" + path; }
  // A file as it was listed; on disk it is what `bytes` says.
  MappedFile Listed(const std::string& path, uint64_t size_bytes) const {
    MappedFile file;
    file.path = path;
    file.size_bytes = size_bytes;
    return file;
  }
  MappedFile Write(const std::string& path, ByteView bytes) const {
    fs::create_directories(fs::path(Absolute(path)).parent_path());
    std::ofstream(Absolute(path), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return Listed(path, bytes.size());
  }
  UnitReader& Reader(PageFindings* pages = nullptr) {
    return reader_.emplace(directory_, pages, kReaderStart, rate_, ctx_);
  }
  // Reads all of a span; "from-to" of each piece, in kB. What was read is in read_.
  std::string ReadAll(UnitReader& reader, const MappedFile& file, FileSpan span) {
    auto fd = reader.Open(file);
    EXPECT_TRUE(fd.ok() && fd.value().ok()) << file.path;
    reader.Begin(fd.value().get(), file, span);
    std::string text;
    read_.clear();
    bad_.clear();
    for (;;) {
      const auto piece = reader.Next();
      if (!piece.ok()) return piece.status().ToString();
      if (piece.value().bytes.empty()) break;
      EXPECT_EQ(piece.value().offset, span.from + read_.size());
      EXPECT_EQ(piece.value().path, file.path);
      EXPECT_EQ(piece.value().fd, fd.value().get());
      read_.insert(read_.end(), piece.value().bytes.begin(), piece.value().bytes.end());
      bad_.insert(bad_.end(), piece.value().bad_blocks.begin(), piece.value().bad_blocks.end());
      text += (text.empty() ? "" : " ") + std::to_string(piece.value().offset / 1024) + "-" +
              std::to_string(piece.value().span().to / 1024);
    }
    EXPECT_EQ(reader.at(), span.from + read_.size());
    return text;
  }

  test::ScratchDirectory scratch_;
  test::TestClock clock_;
  OpContext ctx_;
  DataDirectory directory_;
  RateLimit rate_{0};
  PageFindings findings_;
  std::optional<UnitReader> reader_;
  Bytes read_;
  std::vector<uint32_t> bad_;
};

TEST_F(UnitReaderTest, PiecesEndWhereFramesOfBackupsDo) {
  const Bytes bytes = test::MakeBytes(2 * kMiB + kMiB / 2, 1, true);
  const MappedFile file = Write("base/5/1", bytes);
  UnitReader& reader = Reader();
  EXPECT_EQ(ReadAll(reader, file, {0, bytes.size()}), "0-1024 1024-2048 2048-2560");
  EXPECT_EQ(read_, bytes);
  const FileSpan part{3 * kPageSize, 2 * kMiB + kPageSize};
  EXPECT_EQ(ReadAll(reader, file, part), "24-1024 1024-2048 2048-2056");
  EXPECT_TRUE(std::equal(read_.begin(), read_.end(), bytes.begin() + 3 * kPageSize));
  EXPECT_EQ(ReadAll(reader, file, {kMiB, kMiB}), "") << "nothing of it";
}

TEST_F(UnitReaderTest, AFileThatWasTruncatedEndsSooner) {
  MappedFile file = Write("base/5/1", test::MakeBytes(kMiB + 4096, 1));
  file.size_bytes = 3 * kMiB;
  UnitReader& reader = Reader();
  EXPECT_EQ(ReadAll(reader, file, {0, file.size_bytes}), "0-1024 1024-1028");
  EXPECT_EQ(reader.at(), kMiB + 4096);
  EXPECT_EQ(ReadAll(reader, file, {2 * kMiB, 3 * kMiB}), "") << "a slice behind its end";
  EXPECT_EQ(reader.at(), 2 * kMiB);
  fs::resize_file(Absolute("base/5/1"), kMiB);
  EXPECT_EQ(ReadAll(reader, file, {0, file.size_bytes}), "0-1024") << "it ends where a piece does";
  // What grows again meanwhile is not read: nothing of it is needed.
  auto fd = reader.Open(file);
  reader.Begin(fd.value().get(), file, {0, 2 * kMiB});
  ASSERT_TRUE(reader.Next().ok());
  EXPECT_TRUE(reader.Next().value().bytes.empty());
  fs::resize_file(Absolute("base/5/1"), 2 * kMiB);
  EXPECT_TRUE(reader.Next().value().bytes.empty());
  EXPECT_EQ(reader.at(), kMiB);
}

TEST_F(UnitReaderTest, AFileThatHasVanishedIsNoError) {
  MappedFile file = Write("base/5/1", test::MakeBytes(100, 1));
  UnitReader& reader = Reader();
  fs::remove(Absolute("base/5/1"));
  for (int i = 0; i < 2; i++) {
    const auto fd = reader.Open(file);
    EXPECT_TRUE(fd.ok() && !fd.value().ok());
    const auto anew = reader.OpenAnew(file);
    EXPECT_TRUE(anew.ok() && !anew.value().ok());
    EXPECT_EQ(file.size_bytes, 100U) << "what was listed stays";
    // And neither is one whose directory is none any more.
    fs::remove_all(Absolute("base/5"));
    Write("base/5", test::MakeBytes(1, 1));
  }
}

TEST_F(UnitReaderTest, WhatHasTakenAFilesPlaceIsNotRead) {
  MappedFile file = Listed("base/5/1", 100);
  fs::create_directories(Absolute("base/5"));
  UnitReader& reader = Reader();
  ASSERT_EQ(mkfifo(Absolute("base/5/1").c_str(), 0600), 0);
  const auto pipe = reader.OpenAnew(file);
  EXPECT_TRUE(pipe.ok() && !pipe.value().ok());
  fs::remove(Absolute("base/5/1"));
  fs::create_directory(Absolute("base/5/1"));
  const auto directory = reader.OpenAnew(file);
  EXPECT_TRUE(directory.ok() && !directory.value().ok());
  EXPECT_EQ(file.size_bytes, 100U);
  const std::string error = ReadAll(reader, file, {0, 100});
  EXPECT_NE(error.find("reading \"" + Absolute("base/5/1") + "\" at offset 0"), std::string::npos) << error;
}

TEST_F(UnitReaderTest, OnlyLinksThatWereListedAreFollowed) {
  Write("elsewhere", test::MakeBytes(70, 1));
  fs::create_symlink(Absolute("elsewhere"), Absolute("postgresql.conf"));
  MappedFile file = Listed("postgresql.conf", 100);
  const auto refused = Reader().OpenAnew(file);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("opening \"" + Absolute("postgresql.conf") + "\""), std::string::npos)
      << refused.status().message();
  directory_.linked_files.insert("postgresql.conf");
  const auto fd = Reader().OpenAnew(file);
  EXPECT_TRUE(fd.ok() && fd.value().ok());
  EXPECT_EQ(file.size_bytes, 70U);
}

TEST_F(UnitReaderTest, WhatAFileIsWhenItIsOpenedCounts) {
  MappedFile file = Write("pg_xact/0000", test::MakeBytes(8192, 1));
  file.size_bytes = 100;
  file.mode = 0;
  chmod(Absolute("pg_xact/0000").c_str(), 0640);
  UnitReader& reader = Reader();
  ASSERT_TRUE(reader.Open(file).ok());
  EXPECT_EQ(file.size_bytes, 100U);
  const auto fd = reader.OpenAnew(file);
  ASSERT_TRUE(fd.ok() && fd.value().ok());
  EXPECT_EQ(file.size_bytes, 8192U);
  EXPECT_EQ(file.mode, 0640U);
  EXPECT_NE(file.mtime_micros, 0);
  EXPECT_NE(file.stamp.inode, 0U);
}

TEST_F(UnitReaderTest, PagesThatFailTheirChecksumAreNamed) {
  Bytes bytes = test::MakePages(0, kMiB / kPageSize + 10, 1);
  bytes[3 * kPageSize + 100] ^= 1;
  bytes[(kMiB / kPageSize + 7) * kPageSize + 100] ^= 1;
  const MappedFile file = Write("base/5/1", bytes);
  EXPECT_EQ(ReadAll(Reader(&findings_), file, {0, bytes.size()}), "0-1024 1024-1104");
  EXPECT_EQ(bad_, (std::vector<uint32_t>{3, kMiB / kPageSize + 7})) << "numbered in the file";
  EXPECT_EQ(read_, bytes) << "they are read all the same";
  EXPECT_EQ(findings_.count(), 2U);
  EXPECT_EQ(findings_.errors()[0].path, "base/5/1");
  EXPECT_EQ(ReadAll(*reader_, file, {kMiB, bytes.size()}), "1024-1104");
  EXPECT_EQ(bad_, (std::vector<uint32_t>{kMiB / kPageSize + 7})) << "nothing is left of the piece before";
}

TEST_F(UnitReaderTest, NotEverythingHasPages) {
  const Bytes bytes = test::MakeBytes(3 * kPageSize, 1, true);
  EXPECT_EQ(ReadAll(Reader(&findings_), Write("pg_xact/0000", bytes), {0, bytes.size()}), "0-24");
  EXPECT_EQ(findings_.count(), 0U);
  EXPECT_EQ(ReadAll(Reader(nullptr), Write("base/5/1", bytes), {0, bytes.size()}), "0-24") << "not to be verified";
  EXPECT_TRUE(bad_.empty());
}

TEST_F(UnitReaderTest, APageThatWasBeingWrittenIsReadAgain) {
  const Bytes whole = test::MakePages(0, 4, 1);
  Bytes torn = whole;
  std::fill_n(torn.begin() + 2 * kPageSize + kPageSize / 4, kPageSize / 4, uint8_t{9});
  const MappedFile file = Write("base/5/1", torn);
  clock_.on_sleep = [&](int64_t) { Write("base/5/1", whole); };
  EXPECT_EQ(ReadAll(Reader(&findings_), file, {0, whole.size()}), "0-32");
  EXPECT_EQ(read_, whole);
  EXPECT_TRUE(bad_.empty());
  EXPECT_EQ(findings_.count(), 0U);
}

TEST_F(UnitReaderTest, TheRateIsKept) {
  const MappedFile file = Write("base/5/1", test::MakeBytes(4 * kMiB, 1));
  rate_.SetRate(2 * kMiB, clock_);
  const int64_t began = clock_.SteadyMillis();
  EXPECT_EQ(ReadAll(Reader(), file, {0, file.size_bytes}), "0-1024 1024-2048 2048-3072 3072-4096");
  EXPECT_GE(clock_.SteadyMillis() - began, 1200) << "what is read first may be read at once";
}

TEST_F(UnitReaderTest, ItStopsWhenAsked) {
  const MappedFile file = Write("base/5/1", test::MakeBytes(100, 1));
  CancelToken cancel;
  ctx_.cancel = &cancel;
  UnitReader& reader = Reader();
  const auto fd = reader.Open(file);
  reader.Begin(fd.value().get(), file, {0, 100});
  cancel.Cancel();
  EXPECT_EQ(reader.Next().code(), Code::kCancelled);
}

}  // namespace
}  // namespace pitr
