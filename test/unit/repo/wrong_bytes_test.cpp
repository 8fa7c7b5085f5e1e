// A store that answers 200 with something else (a login page, a truncated object, another object's bytes): that is
// damage, and never absence, a wrong passphrase, or leave to create, delete or expire something.
#include <functional>

#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/restore_hold.h"
#include "core/repo/layout.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/opening/repository_watch.h"
#include "lib/repository_fixture.h"

namespace pitr::test {
namespace {

const std::string kLabel = "20260522-090014F";
const std::string kLoginPage = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>";

class WrongBytesTest : public RepositoryTest {
 protected:
  void Make(const Config& config) {
    repository_ = MustOpenOrCreate(config);
    BackupManifest manifest;
    manifest.label = kLabel;
    manifest.cluster = kCluster;
    manifest.timeline = manifest.stop_timeline = Timeline{1};
    manifest.start_lsn = manifest.checkpoint_lsn = Lsn{0x500028};
    manifest.stop_lsn = Lsn{0x600000};
    const std::string json = EncodeManifest(manifest);
    manifest_key_ = layout::BackupKey(kLabel, layout::BackupObject::kManifest);
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kManifest, manifest_key_, AsBytes(json), ctx_).ok());
    ASSERT_TRUE(PinBackup(*repository_, {kLabel, "why", 0, "me"}, ctx_).ok());
    ASSERT_TRUE(CreateHold(*repository_, kLabel, 1000000, "me", ctx_).ok());
  }
  std::string KeyThat(const std::function<bool(const std::string&)>& is) {
    for (const std::string& key : memory_.Keys())
      if (is(key)) return key;
    ADD_FAILURE() << "there is no such object";
    return "";
  }
  // Once for each kind of wrong answer; the right bytes are there again afterwards.
  void ForEachWrongAnswer(const std::string& key, const std::function<void()>& look) {
    const Bytes right = GetAll(memory_, key, size_t{1} << 20, ctx_).value();
    const Bytes page(kLoginPage.begin(), kLoginPage.end());
    const std::string other = key == manifest_key_ ? std::string(layout::kMarkerKey) : manifest_key_;
    const Bytes of_another = GetAll(memory_, other, size_t{1} << 20, ctx_).value();
    const Bytes truncated(right.begin(), right.begin() + static_cast<ptrdiff_t>(right.size() / 2));
    for (const Bytes& wrong : {page, truncated, of_another, Bytes()}) {
      SCOPED_TRACE(key + ": " + std::string(AsText(wrong).substr(0, 20)));
      memory_.Replace(key, wrong);
      const auto before = memory_.Keys();
      look();
      EXPECT_EQ(memory_.Keys(), before);
    }
    memory_.Replace(key, right);
  }

  std::unique_ptr<Repository> repository_;
  std::string manifest_key_;
};

TEST_F(WrongBytesTest, TheMarkerIsNeitherAbsentNorMadeAnew) {
  Make(config_);
  ForEachWrongAnswer(std::string(layout::kMarkerKey), [&] {
    EXPECT_EQ(ReadMarker(memory_, ctx_).code(), Code::kCorruption);
    EXPECT_EQ(OpenOrCreate(config_).code(), Code::kCorruption);
    const Status watched = CheckIdentity(*repository_, false, ctx_);
    EXPECT_EQ(watched.code(), Code::kCorruption) << watched.ToString();
    EXPECT_EQ(watched.message().find("is gone"), std::string::npos) << watched.ToString();
  });
  EXPECT_TRUE(CheckIdentity(*repository_, true, ctx_).ok());
}

TEST_F(WrongBytesTest, AManifestIsDamagedAndNotAbsent) {
  Make(config_);
  ForEachWrongAnswer(manifest_key_, [&] {
    const auto catalog = BackupCatalog::Load(*repository_, ctx_);
    ASSERT_TRUE(catalog.ok()) << TextOf(catalog);
    EXPECT_TRUE(catalog.value().backups.empty());
    EXPECT_TRUE(catalog.value().unfinished.empty()) << "what is unfinished may be deleted";
    ASSERT_EQ(catalog.value().damaged.size(), 1u);
    EXPECT_EQ(catalog.value().damaged[0].label, kLabel);
  });
}

TEST_F(WrongBytesTest, APinStillKeepsItsBackup) {
  Make(config_);
  ForEachWrongAnswer(KeyThat([](const std::string& key) { return layout::ParsePinKey(key).has_value(); }), [&] {
    const auto catalog = BackupCatalog::Load(*repository_, ctx_);
    ASSERT_TRUE(catalog.ok()) << TextOf(catalog);
    ASSERT_TRUE(catalog.value().pins.contains(kLabel));
    EXPECT_FALSE(catalog.value().pins.at(kLabel).readable);
  });
}

TEST_F(WrongBytesTest, AHoldStillHoldsAsLongAsAnyCan) {
  Make(config_);
  ForEachWrongAnswer(KeyThat([](const std::string& key) { return layout::ParseHoldKey(key).has_value(); }), [&] {
    const auto catalog = BackupCatalog::Load(*repository_, ctx_);
    ASSERT_TRUE(catalog.ok()) << TextOf(catalog);
    ASSERT_EQ(catalog.value().holds.size(), 1u);
    EXPECT_FALSE(catalog.value().holds[0].readable);
    EXPECT_GT(catalog.value().holds[0].lasts_micros, 1000000);
  });
}

TEST_F(WrongBytesTest, AKeySlotIsDamagedAndThePassphraseNotCalledWrong) {
  Make(Encrypted("alpha"));
  ForEachWrongAnswer(KeyThat([](const std::string& key) { return layout::ParseKeySlotKey(key).has_value(); }), [&] {
    const auto keyring = ReadKeyring(memory_, repository_->marker().repository_id, ctx_);
    ASSERT_TRUE(keyring.ok()) << TextOf(keyring);
    EXPECT_TRUE(keyring.value().slots.empty());
    EXPECT_EQ(keyring.value().damaged.size(), 1u);
    EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kCorruption);
    const Status watched = CheckIdentity(*repository_, true, ctx_);
    EXPECT_FALSE(watched.ok()) << "nothing is called archived";
  });
}

}  // namespace
}  // namespace pitr::test
