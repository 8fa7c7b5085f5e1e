// What is noticed of a repository that is emptied or replaced while it is archived to, and how it is brought back.
#include "core/repo/opening/repository_watch.h"
#include "core/repo/marker.h"

#include <fstream>
#include <sstream>
#include <thread>

#include "core/repo/layout.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/recovery_kit.h"
#include "lib/repository_fixture.h"
#include "lib/stored_segment.h"
#include "lib/test_clock.h"

namespace pitr::test {
namespace {

const std::string kMarkerObject(layout::kMarkerKey);

class RepositoryWatchTest : public RepositoryTest {
 protected:
  RepositoryWatchTest() {
    ctx_.clock = &clock_;
    std::filesystem::create_directory(dir_ + "/data");
  }
  void Use(const Config& config) {
    repository_ = MustOpenOrCreate(config);
    passphrase_file_ = config.passphrase_file;
  }
  Status Check() { return watch_.CheckStored(*repository_, ctx_); }
  void DeleteKeySlots() {
    std::vector<std::string> slots = memory_.Keys();
    std::erase_if(slots, [](const std::string& key) { return !layout::ParseKeySlotKey(key); });
    ASSERT_TRUE(memory_.Delete(slots, ctx_).ok());
  }
  std::string KitText() const {
    std::ifstream file(dir_ + "/data/" + kRecoveryKitFile);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void StoreSomething() {
    ASSERT_TRUE(memory_.Create("backup/a/start", AsBytes("x"), ctx_).ok());
    ASSERT_TRUE(StoreSegment(*repository_, 5).ok());
  }
  Result<std::vector<std::string>> Import() {
    PITR_ASSIGN(const RecoveryKit kit, ReadRecoveryKitFile(dir_ + "/data/" + kRecoveryKitFile));
    return ImportRecoveryKit(memory_, kit, passphrase_file_, ctx_);
  }

  TestClock clock_;
  std::string passphrase_file_;
  std::unique_ptr<Repository> repository_;
  RepositoryWatch watch_{dir_ + "/data"};
};

TEST_F(RepositoryWatchTest, ALostMarkerIsNoticedAtOnceAndComesBackFromTheDataDirectory) {
  Use(Encrypted("secret"));
  ASSERT_TRUE(Check().ok()) << Check().ToString();
  StoreSomething();
  ASSERT_TRUE(memory_.Delete({kMarkerObject}, ctx_).ok());
  const Status lost = Check();
  EXPECT_EQ(lost.code(), Code::kConflict);
  EXPECT_NE(lost.message().find("the marker of repository"), std::string::npos) << lost.ToString();
  EXPECT_NE(lost.hint().find("pg_pitr key import"), std::string::npos) << lost.hint();
  DeleteKeySlots();
  const auto written = Import();
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  EXPECT_EQ(written.value().size(), 2u);
  EXPECT_EQ(written.value().back(), kMarkerObject) << "whoever sees the marker finds the key";
  EXPECT_TRUE(Check().ok());
  auto again = Open(Encrypted("secret"));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again.value()->marker().repository_id, repository_->marker().repository_id);
  EXPECT_EQ(again.value()->key()->secret, repository_->key()->secret);
  EXPECT_TRUE(Import().value().empty()) << "nothing is missing";
}

TEST_F(RepositoryWatchTest, NothingIsStoredWhereNothingIs) {
  Use(config_);
  EXPECT_TRUE(watch_.CheckBefore(*repository_, ctx_).ok());
  ASSERT_TRUE(memory_.Delete({kMarkerObject}, ctx_).ok());
  EXPECT_TRUE(watch_.CheckBefore(*repository_, ctx_).ok()) << "a moment later";
  clock_.Advance(1000);
  EXPECT_EQ(watch_.CheckBefore(*repository_, ctx_).code(), Code::kConflict);
  EXPECT_EQ(watch_.CheckBefore(*repository_, ctx_).code(), Code::kConflict) << "and from then on";
}

TEST_F(RepositoryWatchTest, OneNotFoundIsNoLoss) {
  Use(config_);
  faults().Inject({.op = StoreOp::kGet, .status = {Code::kNotFound, "no"}, .key_contains = kMarkerObject});
  const Status doubtful = Check();
  EXPECT_EQ(doubtful.code(), Code::kCorruption) << "the listing has it";
  EXPECT_TRUE(Check().ok());
}

TEST_F(RepositoryWatchTest, AnotherRepositoryInItsPlaceIsNoticed) {
  Use(config_);
  ASSERT_TRUE(Check().ok());
  ASSERT_TRUE(memory_.Delete({kMarkerObject}, ctx_).ok());
  ASSERT_NE(MustOpenOrCreate(config_), nullptr);
  const Status other = Check();
  EXPECT_EQ(other.code(), Code::kConflict);
  EXPECT_NE(other.message().find("another repository"), std::string::npos) << other.ToString();
  EXPECT_EQ(Import().code(), Code::kConflict) << "and it is not overwritten";
}

TEST_F(RepositoryWatchTest, LostKeySlotsAreNoticedWithinAMinute) {
  Use(Encrypted("secret"));
  ASSERT_TRUE(Check().ok());
  DeleteKeySlots();
  EXPECT_TRUE(Check().ok());
  clock_.Advance(60000);
  const Status lost = Check();
  EXPECT_EQ(lost.code(), Code::kConflict);
  EXPECT_NE(lost.message().find("key slot"), std::string::npos) << lost.ToString();
  EXPECT_EQ(Check().code(), Code::kConflict) << "and from then on";
  ASSERT_TRUE(Import().ok());
  EXPECT_TRUE(Check().ok());
}

TEST_F(RepositoryWatchTest, TheKitFollowsNewPassphrases) {
  Use(Encrypted("secret"));
  ASSERT_TRUE(Check().ok());
  const std::string before = KitText();
  ASSERT_TRUE(AddPassphrase(*repository_, "another", ctx_).ok());
  EXPECT_TRUE(Check().ok());
  EXPECT_EQ(KitText(), before);
  clock_.Advance(60000);
  EXPECT_TRUE(Check().ok());
  const auto kit = ParseRecoveryKit(KitText());
  ASSERT_TRUE(kit.ok()) << kit.status().ToString();
  EXPECT_EQ(kit.value().objects.size(), 3u);
}

TEST_F(RepositoryWatchTest, ThreadsShareALookThatBeganAfterEachOfThem) {
  Use(config_);
  ASSERT_TRUE(Check().ok());
  const int before = faults().calls(StoreOp::kGet);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back([&] {
      for (int n = 0; n < 20; n++) good += watch_.CheckStored(*repository_, ctx_).ok() ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
  EXPECT_LE(faults().calls(StoreOp::kGet) - before, 160);
}

TEST_F(RepositoryWatchTest, AnEmptiedRepositoryIsNotMadeOneByAKit) {
  Use(config_);
  ASSERT_TRUE(Check().ok());
  ASSERT_TRUE(memory_.Delete({kMarkerObject}, ctx_).ok());
  const auto imported = Import();
  EXPECT_EQ(imported.code(), Code::kConflict);
  EXPECT_NE(imported.status().message().find("nothing to be saved of a repository"), std::string::npos);
  EXPECT_TRUE(memory_.Keys().empty());
}

TEST_F(RepositoryWatchTest, AnIncompleteKitIsRefused) {
  Use(Encrypted("secret"));
  const auto kit = ReadRecoveryKit(memory_, ctx_);
  ASSERT_TRUE(kit.ok()) << kit.status().ToString();
  const std::string text = FormatRecoveryKit(kit.value());
  ASSERT_TRUE(ParseRecoveryKit(text).ok());
  EXPECT_EQ(FormatRecoveryKit(ParseRecoveryKit(text).value()), text);
  for (size_t length = 0; length + 1 < text.size(); length += 7)
    EXPECT_FALSE(ParseRecoveryKit(text.substr(0, length)).ok()) << length;
  for (const char* change : {"object keys/00000001", "object pg_pitr", " 5047504954"}) {
    std::string damaged = text;
    const size_t at = damaged.find(change);
    ASSERT_NE(at, std::string::npos) << change;
    damaged[at + std::string_view(change).size() - 1] ^= 1;
    EXPECT_EQ(ParseRecoveryKit(damaged).code() == Code::kOk, false) << change;
  }
  const size_t slot = text.find("object keys/"), next = text.find("object pg_pitr");
  EXPECT_FALSE(ParseRecoveryKit(text.substr(0, slot) + text.substr(next)).ok()) << "without its key slot";
}

}  // namespace
}  // namespace pitr::test
