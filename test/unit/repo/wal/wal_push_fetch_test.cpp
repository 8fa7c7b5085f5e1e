#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "core/pg/wal_page.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/repo/wal/wal_push.h"
#include "lib/repository_fixture.h"
#include "lib/stored_segment.h"

namespace pitr {
namespace {

using test::kCluster;
using test::StoreOp;
using test::TextOf;

// A segment with a right first page header and, behind it, bytes made from `seed`.
Bytes Segment(uint64_t number, uint32_t timeline = 1, unsigned seed = 1, SystemId system_id = kCluster.system_id,
              uint32_t size = kCluster.segment_size_bytes) {
  Bytes bytes(size);
  std::mt19937 random(seed);
  // The same eight kilobytes over and over, for large segments.
  const size_t begin = kLongWalPageHeaderSize, fresh = std::min<size_t>(size / 2, begin + 8192);
  for (size_t i = begin; i < fresh; i++) bytes[i] = static_cast<uint8_t>(random());
  for (size_t i = fresh, more; i < size / 2; i += more) {
    more = std::min(fresh - begin, size / 2 - i);
    memcpy(bytes.data() + i, bytes.data() + begin, more);
  }
  test::WriteSegmentHeader(bytes, number, timeline, system_id);
  return bytes;
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::filesystem::file_size(path), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

class Wal : public test::RepositoryTest, public testing::WithParamInterface<bool> {
 protected:
  // One scrypt for all tests would need shared state; the plain repository is used where encryption does not matter.
  std::unique_ptr<Repository> MakeRepository() { return MustOpenOrCreate(GetParam() ? Encrypted("alpha") : config_); }
  std::string WriteWal(const std::string& name, const Bytes& bytes) { return Write(name, AsText(bytes)); }
  Result<WalPushResult> Push(const Repository& repository, const std::string& name, const Bytes& bytes) {
    return PushWalFile(repository, name, WriteWal(name, bytes), ctx_);
  }
};

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, Wal, testing::Bool());

const std::string kPushedName = "000000010000000000000005";

TEST_P(Wal, EveryKindOfFileGoesThereAndBack) {
  auto repository = MakeRepository();
  const std::pair<std::string, Bytes> files[] = {
      {kPushedName, Segment(5)},
      {"0000000200000001000000FF", Segment(4096 + 255, 2)},
      {"00000002.history", Bytes{'1', '\t', '0', '/', '5', '\t', 'x', '\n'}},
      {"000000010000000000000005.00000028.backup", Bytes(300, 'b')},
  };
  for (const auto& [name, bytes] : files) {
    auto pushed = Push(*repository, name, bytes);
    ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
    EXPECT_FALSE(pushed.value().already_there);
    EXPECT_EQ(pushed.value().plain_bytes, bytes.size());
    EXPECT_EQ(pushed.value().stored_bytes, memory_.Stat(layout::WalKey(name), ctx_).value().size);
    auto fetched = FetchWalBytes(*repository, name, ctx_);
    ASSERT_TRUE(fetched.ok()) << TextOf(fetched);
    EXPECT_EQ(fetched.value(), bytes);
    const std::string destination = dir_ + "/RECOVERYXLOG";
    Status status = FetchWalFile(*repository, name, destination, ctx_);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(Read(destination), AsText(bytes));
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir_))
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
}

TEST_P(Wal, OneRequestForASegment) {
  auto repository = MakeRepository();
  const int lists = faults().calls(StoreOp::kList), gets = faults().calls(StoreOp::kGet),
            creates = faults().calls(StoreOp::kCreate);
  // As a running server pushes what it writes without an interruption.
  ASSERT_TRUE(
      PushWalFile(*repository, kPushedName, WriteWal(kPushedName, Segment(5)), ctx_, {.compare_partials = false}).ok());
  EXPECT_EQ(faults().calls(StoreOp::kCreate), creates + 1);
  EXPECT_EQ(faults().calls(StoreOp::kList), lists);
  EXPECT_EQ(faults().calls(StoreOp::kGet), gets);
  EXPECT_EQ(faults().calls(StoreOp::kStat), 0);
  EXPECT_EQ(faults().calls(StoreOp::kBeginUpload), 0);
}

TEST_P(Wal, TheSameAgainIsSuccess) {
  auto repository = MakeRepository();
  auto first = Push(*repository, kPushedName, Segment(5));
  ASSERT_TRUE(first.ok());
  auto again = Push(*repository, kPushedName, Segment(5));
  ASSERT_TRUE(again.ok()) << TextOf(again);
  EXPECT_TRUE(again.value().already_there);
  EXPECT_EQ(again.value().stored_bytes, first.value().stored_bytes);
}

TEST_P(Wal, DifferentContentIsRefusedAndLeftAlone) {
  auto repository = MakeRepository();
  ASSERT_TRUE(Push(*repository, kPushedName, Segment(5)).ok());
  Bytes other = Segment(5);
  other[70000] ^= 1;
  auto refused = Push(*repository, kPushedName, other);
  ASSERT_EQ(refused.code(), Code::kConflict);
  EXPECT_NE(refused.status().detail().find("they differ from byte 70000 on"), std::string::npos)
      << refused.status().detail();
  EXPECT_NE(refused.status().detail().find("1048576 bytes"), std::string::npos);
  EXPECT_NE(refused.status().detail().find("system identifier 7123456789012345678, timeline 1, position 0/500000"),
            std::string::npos);
  EXPECT_NE(refused.status().hint().find("Two servers"), std::string::npos);
  EXPECT_EQ(FetchWalBytes(*repository, kPushedName, ctx_).value(), Segment(5));

  // As older versions stored whatever it was.
  ASSERT_TRUE(
      repository->CreateObject(ObjectKind::kWal, layout::WalKey("00000002.history"), Bytes{'a', 'b', 'c'}, ctx_).ok());
  for (const Bytes& text : {Bytes{'#', 'b'}, Bytes{'#', 'b', 'c', 'd'}, Bytes{'#', 'x', 'c'}}) {
    auto history = Push(*repository, "00000002.history", text);
    ASSERT_EQ(history.code(), Code::kConflict);
    EXPECT_NE(
        history.status().detail().find("The stored file has 3 bytes, the local one has " + std::to_string(text.size())),
        std::string::npos);
  }
}

TEST_P(Wal, FilesThatAreNotWhatTheirNameSaysAreNotSent) {
  auto repository = MakeRepository();
  const size_t before = memory_.Keys().size();
  Bytes truncated = Segment(5);
  truncated.resize(truncated.size() - 1);
  const std::pair<const char*, Bytes> wrong[] = {
      {"other cluster", Segment(5, 1, 1, SystemId{42})},
      {"other position", Segment(6)},
      {"newer timeline", Segment(5, 2)},
      {"too short", truncated},
      {"empty", Bytes()},
      {"other segment size", Segment(5, 1, 1, kCluster.system_id, 2u << 20)},
  };
  for (const auto& [what, bytes] : wrong) {
    auto refused = Push(*repository, kPushedName, bytes);
    EXPECT_EQ(refused.code(), Code::kConflict) << what << ": " << TextOf(refused);
    EXPECT_NE(TextOf(refused).find(kPushedName), std::string::npos) << TextOf(refused);
  }
  EXPECT_EQ(Push(*repository, kPushedName, Bytes(1u << 20)).code(), Code::kCorruption);
  EXPECT_EQ(Push(*repository, "00000002.history", Bytes()).code(), Code::kCorruption);
  const auto garbage = Push(*repository, "00000007.history", Bytes{'g', 'a', 'r', 'b', 'a', 'g', 'e', '\n'});
  EXPECT_EQ(garbage.code(), Code::kCorruption) << garbage.status().ToString();
  for (const char* name :
       {"pg_control", "000000010000000000001000", "00000001000000000000000G", "../../etc/passwd", ""}) {
    EXPECT_EQ(PushWalFile(*repository, name, WriteWal("x", Segment(5)), ctx_).code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(PushWalFile(*repository, kPushedName, dir_ + "/nowhere", ctx_).code(), Code::kNotFound);
  EXPECT_EQ(PushWalFile(*repository, kPushedName, dir_, ctx_).code(), Code::kInvalidArgument);
  EXPECT_EQ(memory_.Keys().size(), before);
}

// A file of a child timeline may begin with its parent's pages.
TEST_P(Wal, AnOlderTimelineInTheHeaderIsRight) {
  auto repository = MakeRepository();
  EXPECT_TRUE(Push(*repository, "000000030000000000000005", Segment(5, 2)).ok());
}

TEST_P(Wal, AFileThatChangesIsNotStored) {
  auto repository = MakeRepository();
  const std::string path = WriteWal(kPushedName, Segment(5));
  struct Changing final : Clock {  // changes the file when the push asks for the time, which is between frames
    std::function<void()> change;
    int64_t WallMicros() const override { return 0; }
    int64_t SteadyMillis() const override {
      if (change) change();
      return 0;
    }
    void SleepMillis(int64_t) const override {}
  } clock;
  OpContext ctx = ctx_;
  ctx.clock = &clock;
  ctx.deadline_millis = 1000;
  clock.change = [&] { ASSERT_EQ(truncate(path.c_str(), 100000), 0); };
  auto shorter = PushWalFile(*repository, kPushedName, path, ctx);
  EXPECT_EQ(shorter.code(), Code::kUnavailable);
  EXPECT_NE(TextOf(shorter).find("became shorter"), std::string::npos) << TextOf(shorter);
  WriteWal(kPushedName, Segment(5));
  clock.change = [&] {
    const int fd = open(path.c_str(), O_WRONLY);
    ASSERT_EQ(pwrite(fd, "x", 1, 1000), 1);
    const timespec times[2] = {{1, 0}, {1, 0}};
    futimens(fd, times);
    close(fd);
  };
  auto changed = PushWalFile(*repository, kPushedName, path, ctx);
  EXPECT_EQ(changed.code(), Code::kUnavailable);
  EXPECT_NE(TextOf(changed).find("was changed"), std::string::npos) << TextOf(changed);
  EXPECT_EQ(FetchWalBytes(*repository, kPushedName, ctx_).code(), Code::kNotFound);
}

TEST_P(Wal, FailuresOfTheStoreArePassedOn) {
  auto repository = MakeRepository();
  faults().Inject({.op = StoreOp::kCreate, .key_contains = kPushedName});
  EXPECT_EQ(Push(*repository, kPushedName, Segment(5)).code(), Code::kUnavailable);
  ASSERT_TRUE(Push(*repository, kPushedName, Segment(5)).ok());
  faults().Inject({.op = StoreOp::kGet, .key_contains = kPushedName, .after_bytes = 1000});
  EXPECT_EQ(Push(*repository, kPushedName, Segment(5)).code(), Code::kUnavailable);
  faults().Inject({.op = StoreOp::kGet, .key_contains = kPushedName, .after_bytes = 1000});
  const std::string destination = dir_ + "/out";
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(destination));
  faults().Inject({.op = StoreOp::kGet, .status = {Code::kPermission, "403"}, .key_contains = kPushedName});
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kPermission);
  CancelToken token;
  token.Cancel();
  OpContext cancelled = ctx_;
  cancelled.cancel = &token;
  EXPECT_EQ(PushWalFile(*repository, kPushedName, dir_ + "/" + kPushedName, cancelled).code(), Code::kCancelled);
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, cancelled).code(), Code::kCancelled);
}

TEST_P(Wal, OnlyAConfirmedAbsenceIsNotFound) {
  auto repository = MakeRepository();
  const std::string destination = dir_ + "/out";
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(destination));
  ASSERT_TRUE(Push(*repository, kPushedName, Segment(5)).ok());
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, dir_ + "/missing/out", ctx_).code(), Code::kInvalidArgument);
  // A store that says so by mistake: recovery must not end there. The second look contradicts it, or fails.
  const Status absent(Code::kNotFound, "no such object");
  faults().Inject({.op = StoreOp::kGet, .status = absent, .key_contains = kPushedName});
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kCorruption);
  faults().Inject({.op = StoreOp::kGet, .status = absent, .key_contains = kPushedName});
  faults().Inject({.op = StoreOp::kList});
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(destination));
  EXPECT_EQ(FetchWalFile(*repository, "RECOVERYXLOG", destination, ctx_).code(), Code::kInvalidArgument);
}

TEST_P(Wal, DamageNeverReachesTheDestination) {
  auto repository = MakeRepository();
  const std::string destination = Write("out", "old");
  const std::string key = layout::WalKey(kPushedName);
  ASSERT_TRUE(Push(*repository, kPushedName, Segment(5)).ok());
  const Bytes good = GetAll(memory_, key, 1u << 30, ctx_).value();
  for (uint64_t bit : {uint64_t{0}, uint64_t{64 * 8}, good.size() * 4, good.size() * 8 - 1}) {
    memory_.Replace(key, good);
    memory_.FlipBit(key, bit);
    Status status = FetchWalFile(*repository, kPushedName, destination, ctx_);
    EXPECT_EQ(status.code(), Code::kCorruption) << bit;
    EXPECT_NE(status.message().find(key), std::string::npos) << status.message();
    // A second push neither replaces it nor calls it the same.
    EXPECT_EQ(Push(*repository, kPushedName, Segment(5)).code(), Code::kCorruption);
  }
  memory_.Replace(key, good);
  memory_.Truncate(key, good.size() - 1);
  EXPECT_EQ(FetchWalFile(*repository, kPushedName, destination, ctx_).code(), Code::kCorruption);
  EXPECT_EQ(Read(destination), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), GetParam() ? 3 : 2);

  // Objects that are whole but hold something else.
  auto store = [&](const Bytes& plain) {
    memory_.Replace(key, EncodeObject(ObjectKind::kWal, key, plain, repository->key(), 3).value());
    return FetchWalBytes(*repository, kPushedName, ctx_).code();
  };
  EXPECT_EQ(store(Segment(5)), Code::kOk);
  EXPECT_EQ(store(Segment(6)), Code::kCorruption);
  EXPECT_EQ(store(Segment(5, 1, 1, SystemId{42})), Code::kCorruption);
  Bytes longer = Segment(5);
  longer.push_back(0);
  EXPECT_EQ(store(longer), Code::kCorruption);
  longer.resize(1000);
  EXPECT_EQ(store(longer), Code::kCorruption);
}

TEST_P(Wal, PushersOfOneSegmentAgree) {
  auto repository = MakeRepository();
  const std::string path = WriteWal(kPushedName, Segment(5));
  std::atomic<int> stored{0}, there{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&] {
      auto pushed = PushWalFile(*repository, kPushedName, path, ctx_);
      if (pushed.ok()) (pushed.value().already_there ? there : stored)++;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(there, 3);
}

TEST_P(Wal, LargeSegmentsGoInParts) {
  const ClusterIdentity large{kCluster.system_id, 64u << 20, 15};
  Config config = GetParam() ? Encrypted("alpha") : config_;
  config.compression_level = 0;
  auto repository = MustOpenOrCreate(config, large);
  const Bytes bytes = Segment(5, 1, 1, large.system_id, large.segment_size_bytes);
  auto pushed = Push(*repository, kPushedName, bytes);
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_EQ(faults().calls(StoreOp::kBeginUpload), 1);
  EXPECT_GT(faults().calls(StoreOp::kPutPart), 4);
  EXPECT_TRUE(Push(*repository, kPushedName, bytes).value().already_there);
  const std::string destination = dir_ + "/out";
  ASSERT_TRUE(FetchWalFile(*repository, kPushedName, destination, ctx_).ok());
  EXPECT_EQ(Read(destination), AsText(bytes));
  faults().Inject({.op = StoreOp::kPutPart, .skip = 2});
  EXPECT_EQ(
      Push(*repository, "000000010000000000000006", Segment(6, 1, 1, large.system_id, large.segment_size_bytes)).code(),
      Code::kUnavailable);
  EXPECT_TRUE(memory_.ListUploads("", ctx_).value().empty());
}

using Catalog = test::RepositoryTest;

TEST_F(Catalog, RangesGapsPartialsAndHistory) {
  auto repository = MustOpenOrCreate(config_);
  auto put = [&](const std::string& name, size_t size = 10) { memory_.Replace(layout::WalKey(name), Bytes(size)); };
  auto segment = [&](uint32_t timeline, uint64_t number) { put(SegmentFileName({timeline}, {number}, 1u << 20)); };
  for (uint64_t number : {1, 2, 3, 7, 8, 4094, 4095, 4096, 4097}) segment(1, number);  // the last four cross a log file
  for (uint64_t number : {4096, 4097}) segment(2, number);
  for (uint32_t end : {0x100u, 0x9000u, 0x800u})
    memory_.Replace(layout::PartialSegmentKey("000000010000000000000009", end), Bytes(10));
  memory_.Replace("wal/00000001/000000/00000000/000000010000000000000009.partial", Bytes(10));
  put("000000010000000000000001.00000028.backup");
  memory_.Replace("wal/00000001/README", Bytes(1));
  memory_.Replace("wal/00000001/000000/00000000/000000010000000000000001.gz", Bytes(1));
  const std::string path = Write("h", "1\t1/0\tno recovery target specified\n");
  ASSERT_TRUE(PushWalFile(*repository, "00000002.history", path, ctx_).ok());
  memory_.Replace("wal/00000003/00000003.history", Bytes(100));

  auto loaded = WalCatalog::Load(*repository, ctx_);
  ASSERT_TRUE(loaded.ok()) << TextOf(loaded);
  const WalCatalog& catalog = loaded.value();
  ASSERT_EQ(catalog.timelines().size(), 3u);
  const TimelineWal& one = catalog.timelines().at({1});
  ASSERT_EQ(one.ranges.size(), 3u);
  EXPECT_EQ(one.ranges[0].first.value, 1u);
  EXPECT_EQ(one.ranges[0].last.value, 3u);
  EXPECT_EQ(one.ranges[0].stored_bytes, 30u);
  EXPECT_EQ(one.ranges[2].count(), 4u);
  EXPECT_EQ(one.partials, (std::map<SegmentNo, Lsn>{{{9}, {(9u << 20) + 0x9000}}})) << "the longest";
  EXPECT_FALSE(one.history.has_value());
  EXPECT_GT(one.newest_micros, 0);
  const TimelineWal& two = catalog.timelines().at({2});
  ASSERT_TRUE(two.history.has_value());
  EXPECT_EQ(two.history->SwitchPoint({1}), (Lsn{uint64_t{1} << 32}));
  const TimelineWal& three = catalog.timelines().at({3});
  EXPECT_FALSE(three.history.has_value());
  EXPECT_EQ(three.history_problem.code(), Code::kCorruption);
  EXPECT_TRUE(three.ranges.empty());

  EXPECT_TRUE(catalog.Has({1}, {2}));
  EXPECT_FALSE(catalog.Has({1}, {4}));
  EXPECT_FALSE(catalog.Has({1}, {9}));
  EXPECT_FALSE(catalog.Has({9}, {1}));
  EXPECT_EQ(catalog.UnbrokenUntil({1}, {1}), SegmentNo{3});
  EXPECT_EQ(catalog.UnbrokenUntil({1}, {8}), SegmentNo{8});
  EXPECT_EQ(catalog.UnbrokenUntil({1}, {4095}), SegmentNo{4097});
  EXPECT_EQ(catalog.UnbrokenUntil({1}, {0}), std::nullopt);
  EXPECT_EQ(catalog.UnbrokenUntil({1}, {4098}), std::nullopt);
}

TEST_F(Catalog, AStoreThatDoesNotAnswerIsAnError) {
  auto repository = MustOpenOrCreate(config_);
  ASSERT_TRUE(PushWalFile(*repository, "00000002.history", Write("h", "1\t1/0\tx\n"), ctx_).ok());
  faults().Inject({.op = StoreOp::kGet, .key_contains = "history"});
  EXPECT_EQ(WalCatalog::Load(*repository, ctx_).code(), Code::kUnavailable);
  faults().Inject({.op = StoreOp::kList});
  EXPECT_EQ(WalCatalog::Load(*repository, ctx_).code(), Code::kUnavailable);
  EXPECT_TRUE(WalCatalog::Load(*repository, ctx_).ok());
}

}  // namespace
}  // namespace pitr
