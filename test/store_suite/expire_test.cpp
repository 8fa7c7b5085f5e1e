// Expiry on real stores, killed before every step of it, each object that is deleted being one, and beside a second
// one: whatever is left is whole, and the next run finishes it. More worlds, in memory: unit/expire.
#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <optional>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/opening/open_repository.h"
#include "store_suite/suite.h"
#include "unit/expire/expire_fixture.h"

namespace pitr::test {
namespace {

class ExpireSuite : public ExpireTest, public testing::WithParamInterface<StoreKind> {
 protected:
  // A full backup to go, a pinned increment that borrows from it, one that somebody has begun to delete, two to keep.
  void SetUp() override {
    if (const std::string missing = MissingFor(GetParam()); !missing.empty()) {
      ASSERT_FALSE(S3IsRequired()) << missing << " not set";
      GTEST_SKIP() << missing << " not set";
    }
    AddBackup({.label = "a", .first = 10, .last = 11});
    clock_.Advance(kDayMillis);
    AddBackup({.label = "i", .type = BackupType::kIncr, .parent = "a", .first = 13, .last = 13, .borrowed = {kLent}});
    ASSERT_TRUE(PinBackup(*repository_, {.label = "i"}, ctx_).ok());
    BeginBackup({.label = "dead", .first = 15, .last = 15});
    ASSERT_TRUE(CreateMark(*repository_, "dead", layout::BackupObject::kExpireMark, "test", ctx_).ok());
    clock_.Advance(kDayMillis);
    AddBackup({.label = "b", .first = 16, .last = 16});
    clock_.Advance(kDayMillis);
    AddBackup({.label = "c", .first = 18, .last = 18});
    AddWal(1, 10, 19);
    AddChangeMaps(1, 10, 12);
    request_.policy.full = 2;
    for (const std::string& key : memory_.Keys()) objects_[key] = GetAll(memory_, key, size_t{1} << 20, ctx_).value();
  }

  // The world anew, in a place of its own on the store; repository_ and faults_ are for it.
  void MakeWorld() {
    repository_.reset();
    store_.reset();
    place_ = MakePlace(GetParam());
    store_ = place_->Open();
    for (const auto& [key, bytes] : objects_) ASSERT_TRUE(store_->Create(key, bytes, ctx_).ok()) << key;
    auto upload = store_->BeginUpload("data/dead/000003", ctx_);
    ASSERT_TRUE(upload.ok()) << TextOf(upload);
    ASSERT_TRUE(store_->PutPart("data/dead/000003", upload.value(), 1, 0, Blob(100), ctx_).ok());
    repository_ = Reopen();
  }
  std::unique_ptr<Repository> Reopen() {
    auto faulty = std::make_unique<FaultyStore>(*store_);
    faults_ = faulty.get();
    auto repository = OpenRepositoryOn(std::move(faulty), config_, NullLog(), ctx_);
    EXPECT_TRUE(repository.ok()) << TextOf(repository);
    return std::move(repository).value();
  }
  // Expires, calling `act` before the n-th operation; false when there were fewer.
  bool ExpireWith(int n, const std::function<void()>& act) {
    std::atomic<int> calls = 0;
    faults().OnCall([&](StoreOp, const std::string&) {
      if (++calls == n) act();
    });
    outcome_ = Run();
    faults().OnCall({});
    return calls >= n;
  }
  std::vector<std::string> Stored() {
    std::vector<std::string> keys;
    EXPECT_TRUE(ListAll(*store_, "", ctx_, [&](const ObjectInfo& object) {
                  // A killed run has left its question for the time.
                  if (!object.key.starts_with(layout::kProbePrefix)) keys.push_back(object.key);
                  return Status::Ok();
                }).ok());
    return keys;
  }
  std::vector<std::string> Undisturbed() {
    MakeWorld();
    EXPECT_TRUE(MustRun().Complete());
    EXPECT_EQ(Labels(), "i b c");
    const std::vector<std::string> keys = Stored();
    EXPECT_NE(std::find(keys.begin(), keys.end(), kLent), keys.end());
    EXPECT_LT(keys.size() + 10, objects_.size());
    return keys;
  }
  void ExpectFinished(const std::vector<std::string>& finished, const std::string& when) {
    const auto again = Run();
    ASSERT_TRUE(again.ok()) << when << TextOf(again);
    EXPECT_EQ(Stored(), finished) << when;
    ExpectWhole(when + ", then finished");
    const auto uploads = store_->ListUploads("", ctx_);
    ASSERT_TRUE(uploads.ok()) << when;
    EXPECT_TRUE(uploads.value().empty()) << when;
  }

  // Every step where that is quick; a server of its own is asked at every third: what it is asked, the one in this
  // program was.
  int Stride() const { return GetParam() == StoreKind::kS3Http ? 3 : 1; }

  static inline const std::string kLent = "data/a/000001";
  std::map<std::string, Bytes> objects_;
  std::unique_ptr<TestPlace> place_;
  std::unique_ptr<ObjectStore> store_;
  std::optional<Result<ExpireReport>> outcome_;
};
INSTANTIATE_TEST_SUITE_P(Stores, ExpireSuite,
                         testing::Values(StoreKind::kDirectory, StoreKind::kS3Loopback, StoreKind::kS3Http),
                         StoreKindName);

TEST_P(ExpireSuite, KilledAtEveryStep) {
  const std::vector<std::string> finished = Undisturbed();
  int step = 1;
  for (bool reached = true; reached; step += Stride()) {
    MakeWorld();
    faults().SetBatches(FaultyStore::Batches::kInOrder);
    reached = ExpireWith(step, [&] { faults().SetDead(true); });
    EXPECT_NE(outcome_->ok(), reached) << step;
    repository_ = Reopen();
    const std::string when = "killed at step " + std::to_string(step);
    ExpectWhole(when);
    ExpectFinished(finished, when);
  }
  EXPECT_GT(step, 40);
}

TEST_P(ExpireSuite, ASecondExpiryAtEveryStep) {
  const std::vector<std::string> finished = Undisturbed();
  bool reached = true;
  for (int step = 1; reached; step += Stride()) {
    MakeWorld();
    reached = ExpireWith(step, [&] {
      const auto other = OpenRepositoryOn(place_->Open(), config_, NullLog(), ctx_);
      ASSERT_TRUE(other.ok()) << TextOf(other);
      const auto second = Expire(*other.value(), request_, ctx_);
      EXPECT_TRUE(second.ok()) << step << TextOf(second);
    });
    EXPECT_TRUE(outcome_->ok()) << step << TextOf(*outcome_);
    const std::string when = "a second one at step " + std::to_string(step);
    ExpectWhole(when);
    ExpectFinished(finished, when);
  }
}

}  // namespace
}  // namespace pitr::test
