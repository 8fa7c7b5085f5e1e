#include "core/restore/wal_prefetch.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/thread.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/restore/directory_server.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
constexpr uint32_t kSegmentBytes = WalBuilder::kSegmentSize;

// A data directory whose server is this process: its working directory is there, and recovery.signal is.
class WalPrefetchTest : public test::RepositoryTest {
 protected:
  void SetUp() override {
    repository_ = MustOpenOrCreate(config_, {WalBuilder::kSystem, kSegmentBytes, 15});
    WalBuilder wal;
    wal.AddFiller(20 * kSegmentBytes);
    wal.Switch();
    for (uint64_t no = 3; no <= 22; ++no) {
      names_.push_back(SegmentFileName(Timeline{1}, SegmentNo{no}, kSegmentBytes));
      ASSERT_TRUE(
          repository_->CreateObject(ObjectKind::kWal, layout::WalKey(names_.back()), wal.Segment(SegmentNo{no}), ctx_)
              .ok());
      contents_.push_back(wal.Segment(SegmentNo{no}));
    }
    data_ = dir_ + "/data";
    fs::create_directories(data_ + "/pg_wal");
    before_ = fs::current_path();
    fs::current_path(data_);
    Write("data/recovery.signal", "");
    Write("data/postmaster.pid", std::to_string(getpid()) + "\n" + data_ + "\n");
    auto spool = WalSpool::For("pg_wal/RECOVERYXLOG", "/etc/pg_pitr.conf");
    ASSERT_TRUE(spool.has_value());
    spool_ = std::move(spool);
    limits_.jobs = 3;
    limits_.max_segments = 4;
    limits_.absent_millis = 100;
  }
  void TearDown() override {
    if (job_) {
      job_->Cancel();
      EXPECT_TRUE(job_->Join().ok());
    }
    fs::current_path(before_);
  }
  void Start() {
    auto job = Job::Start([this](const CancelToken& cancel) {
      OpContext ctx;
      ctx.cancel = &cancel;
      PITR_ASSIGN(const HeldSpool held, HeldSpool::Take(*spool_));
      return RunPrefetcher(*repository_, held, limits_, ctx);
    });
    ASSERT_TRUE(job.ok());
    job_ = std::move(job).value();
  }
  static bool WaitFor(const std::function<bool()>& condition) {
    for (int i = 0; i < 3000; ++i) {
      if (condition()) return true;
      usleep(10000);
    }
    return false;
  }
  int64_t CountSpooled() const {
    return std::count_if(fs::directory_iterator(spool_->directory()), fs::directory_iterator(),
                         [](const auto& entry) { return IsSpooledName(entry.path().filename().string()); });
  }
  bool Spooled(size_t index) const { return fs::exists(spool_->directory() + "/" + names_[index]); }

  std::unique_ptr<Repository> repository_;
  std::vector<std::string> names_;
  std::vector<Bytes> contents_;
  std::string data_;
  fs::path before_;
  std::optional<WalSpool> spool_;
  PrefetchLimits limits_;
  std::unique_ptr<Job> job_;
};

TEST_F(WalPrefetchTest, StaysAheadAndHandsOutWhole) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  for (size_t i = 1; i < names_.size(); ++i) {
    ASSERT_TRUE(WaitFor([&] { return Spooled(i); })) << names_[i];
    EXPECT_LE(CountSpooled(), 4) << "the window is a limit";
    ASSERT_TRUE(spool_->Take(names_[i], data_ + "/pg_wal/RECOVERYXLOG"));
    spool_->Request(names_[i]);
    const std::string got = [&] {
      std::ifstream file(data_ + "/pg_wal/RECOVERYXLOG", std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    ASSERT_EQ(got.size(), contents_[i].size());
    ASSERT_TRUE(got == AsText(contents_[i])) << names_[i];
  }
  EXPECT_TRUE(spool_->HasPrefetcher());
  // The next one does not exist: no trace of it may ever look like an answer.
  EXPECT_FALSE(
      spool_->Take(SegmentFileName(Timeline{1}, SegmentNo{23}, kSegmentBytes), data_ + "/pg_wal/RECOVERYXLOG"));
}

// Whose place it is then is seen when the server asks for it.
TEST_F(WalPrefetchTest, ASegmentThatMakesATablespaceIsLeftToWhoeverAsks) {
  WalBuilder wal(15, SegmentStart(SegmentNo{30}, kSegmentBytes));
  for (uint64_t no = 30; no <= 33; ++no) {
    if (no == 32) wal.AddData(Rmgr::kTablespace, 0x00, Bytes{0x10, 0x40, 0, 0, '/', 't', 0}, 700);
    wal.AddFiller(500);
    wal.Switch();
    ASSERT_TRUE(repository_
                    ->CreateObject(ObjectKind::kWal,
                                   layout::WalKey(SegmentFileName(Timeline{1}, SegmentNo{no}, kSegmentBytes)),
                                   wal.Segment(SegmentNo{no}), ctx_)
                    .ok());
  }
  const auto spooled = [&](uint64_t no) {
    return fs::exists(spool_->directory() + "/" + SegmentFileName(Timeline{1}, SegmentNo{no}, kSegmentBytes));
  };
  spool_->Request(SegmentFileName(Timeline{1}, SegmentNo{30}, kSegmentBytes));
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return spooled(31) && spooled(33); }));
  EXPECT_FALSE(spooled(32));
  EXPECT_FALSE(spool_->IsBeingFetched(SegmentFileName(Timeline{1}, SegmentNo{32}, kSegmentBytes)));
}

TEST_F(WalPrefetchTest, EndsWhenRecoveryHasEnded) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return Spooled(2); }));
  fs::remove(data_ + "/recovery.signal");
  ASSERT_TRUE(WaitFor([&] { return job_->done(); }));
  EXPECT_FALSE(fs::exists(spool_->directory())) << "and takes the spool along";
}

TEST_F(WalPrefetchTest, EndsWhenTheServerIsGone) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return Spooled(1); }));
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  Write("data/postmaster.pid", std::to_string(child) + "\n" + data_ + "\n");
  EXPECT_TRUE(WaitFor([&] { return job_->done(); }));
}

TEST_F(WalPrefetchTest, EndsWhenTheSpoolIsRemoved) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return Spooled(1); }));
  fs::rename(spool_->directory(), dir_ + "/away");
  EXPECT_TRUE(WaitFor([&] { return job_->done(); }));
}

TEST_F(WalPrefetchTest, NothingGetsIntoTheSpoolOfALaterRecovery) {
  spool_->Request(names_[0]);
  const HeldSpool earlier = HeldSpool::Take(*spool_).value();
  ASSERT_TRUE(earlier.Begin().ok());
  ASSERT_TRUE(earlier.MarkFetching(names_[1]).ok());
  fs::remove_all(spool_->directory());
  spool_->Request(names_[5]);
  const HeldSpool later = HeldSpool::Take(*spool_).value();
  ASSERT_TRUE(later.Begin().ok());
  EXPECT_FALSE(earlier.Store(names_[1], "what another repository has").ok());
  EXPECT_FALSE(earlier.MarkFetching(names_[2]).ok());
  EXPECT_EQ(earlier.LastRequest(), "");
  EXPECT_FALSE(earlier.Exists());
  EXPECT_EQ(CountSpooled(), 0);
  ASSERT_TRUE(later.Store(names_[6], "its own").ok());
  earlier.Forget(names_[6]);
  earlier.Remove();
  EXPECT_TRUE(later.Exists());
  EXPECT_EQ(later.Segments(), std::vector<std::string>{names_[6]});
}

TEST_F(WalPrefetchTest, EndsWhenNothingIsAskedFor) {
  limits_.idle_millis = 300;
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_TRUE(WaitFor([&] { return job_->done(); }));
  EXPECT_FALSE(fs::exists(spool_->directory()));
}

TEST_F(WalPrefetchTest, OnlyOneServesASpool) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return spool_->HasPrefetcher(); }));
  EXPECT_EQ(HeldSpool::Take(*spool_).code(), Code::kAlreadyExists);
}

TEST_F(WalPrefetchTest, AnotherSourceOrAnotherBootIsNotUsed) {
  spool_->Request(names_[0]);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return Spooled(1); }));
  const auto other = WalSpool::For("pg_wal/RECOVERYXLOG", "/etc/other.conf");
  EXPECT_FALSE(other->Take(names_[1], data_ + "/pg_wal/RECOVERYXLOG"));
  Write("data/pg_wal/pg_pitr.spool/source", "/etc/pg_pitr.conf\nan-earlier-boot\n");
  EXPECT_FALSE(spool_->Take(names_[1], data_ + "/pg_wal/RECOVERYXLOG")) << "it may never have reached the disk";
}

TEST_F(WalPrefetchTest, ASegmentThatAppearsLaterIsFetchedThen) {
  const std::string next = SegmentFileName(Timeline{1}, SegmentNo{23}, kSegmentBytes);
  spool_->Request(names_.back());
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(WaitFor([&] { return spool_->HasPrefetcher(); }));
  usleep(200000);
  WalBuilder wal(15, Lsn{uint64_t{23} * kSegmentBytes});
  wal.AddFiller(100);
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(next), wal.Segment(SegmentNo{23}), ctx_).ok());
  EXPECT_TRUE(WaitFor([&] { return fs::exists(spool_->directory() + "/" + next); }));
}

TEST_F(WalPrefetchTest, WithoutRecoveryThereIsNoSpool) {
  EXPECT_FALSE(WalSpool::For("RECOVERYXLOG", "/c").has_value());
  EXPECT_FALSE(WalSpool::For("/tmp/somewhere/file", "/c").has_value());
  EXPECT_TRUE(WalSpool::For(data_ + "/pg_wal/RECOVERYXLOG", "/c").has_value());
  fs::remove(data_ + "/recovery.signal");
  EXPECT_FALSE(WalSpool::For("pg_wal/RECOVERYXLOG", "/c").has_value());
}

TEST(PrefetchWindowTest, IsBoundedByDiskAndCount) {
  const PrefetchLimits limits;
  EXPECT_EQ(PrefetchWindow(limits, 1U << 20), 16);
  EXPECT_EQ(PrefetchWindow(limits, 16U << 20), 8);
  EXPECT_EQ(PrefetchWindow(limits, 1U << 30), 2);
}

}  // namespace
}  // namespace pitr
