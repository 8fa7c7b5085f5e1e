#include "core/repo/repository.h"
#include "core/repo/opening/open_repository.h"

#include <thread>

#include "core/repo/layout.h"
#include "core/repo/opening/keyring.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

using test::kCluster;
using test::StoreOp;
using test::TextOf;
using RepositoryOpen = test::RepositoryTest;

std::vector<std::string> KeysUnder(const MemoryStore& store, std::string_view prefix) {
  std::vector<std::string> keys;
  for (const std::string& key : store.Keys())
    if (key.starts_with(prefix)) keys.push_back(key);
  return keys;
}

TEST_F(RepositoryOpen, CreatesOnceAndOpensAfterwards) {
  auto created = MustOpenOrCreate(config_);
  ASSERT_NE(created, nullptr);
  EXPECT_EQ(memory_.Keys(), std::vector<std::string>{"pg_pitr.marker"});
  EXPECT_EQ(created->marker().cluster_name, "orders");
  EXPECT_EQ(created->segment_size(), 1u << 20);
  EXPECT_EQ(created->key(), nullptr);
  EXPECT_TRUE(created->marker().conditional_create);
  auto opened = Open(config_);
  ASSERT_TRUE(opened.ok()) << TextOf(opened);
  EXPECT_EQ(opened.value()->marker().repository_id, created->marker().repository_id);
  EXPECT_EQ(opened.value()->marker().cluster.system_id, kCluster.system_id);
  EXPECT_EQ(MustOpenOrCreate(config_)->marker().repository_id, created->marker().repository_id);
}

TEST_F(RepositoryOpen, NothingThereIsNotFoundWithAHint) {
  auto opened = Open(config_);
  ASSERT_EQ(opened.code(), Code::kNotFound);
  EXPECT_EQ(opened.status().message(), "there is no repository at memory:");
  EXPECT_NE(opened.status().hint().find("pg_pitr.repository"), std::string::npos);
}

TEST_F(RepositoryOpen, AStoreThatDoesNotAnswerIsNotAMissingRepository) {
  auto store = Store();
  faults().SetDead(true);
  auto opened = OpenOrCreateRepositoryOn(std::move(store), config_, kCluster, NullLog(), ctx_);
  EXPECT_EQ(opened.code(), Code::kUnavailable);
  EXPECT_TRUE(memory_.Keys().empty());
}

TEST_F(RepositoryOpen, OtherClustersAreRefused) {
  ASSERT_NE(MustOpenOrCreate(config_), nullptr);
  ClusterIdentity other = kCluster;
  other.system_id.value++;
  auto refused = OpenOrCreate(config_, other);
  ASSERT_EQ(refused.code(), Code::kConflict);
  EXPECT_NE(refused.status().detail().find("7123456789012345678"), std::string::npos);
  EXPECT_NE(refused.status().detail().find("7123456789012345679"), std::string::npos);
  EXPECT_NE(refused.status().hint().find("pg_upgrade"), std::string::npos);
  other = kCluster;
  other.segment_size_bytes = 16u << 20;
  EXPECT_EQ(OpenOrCreate(config_, other).code(), Code::kConflict);
  other = kCluster;
  other.pg_major = 16;
  EXPECT_EQ(OpenOrCreate(config_, other).code(), Code::kConflict);
}

TEST_F(RepositoryOpen, APrefixInUseIsLeftAlone) {
  memory_.Replace("holiday/photo.jpg", Bytes{1});
  auto refused = OpenOrCreate(config_);
  ASSERT_EQ(refused.code(), Code::kConflict);
  EXPECT_NE(refused.status().detail().find("holiday/photo.jpg"), std::string::npos);
  EXPECT_EQ(memory_.Keys(), std::vector<std::string>{"holiday/photo.jpg"});
}

TEST_F(RepositoryOpen, ProbesAndOrphanedKeySlotsAreNoObstacle) {
  memory_.Replace("probe/1234", Bytes{1});
  memory_.Replace("keys/00000001.00000007", Bytes{1});
  EXPECT_NE(MustOpenOrCreate(config_), nullptr);
}

TEST_F(RepositoryOpen, EncryptedOpensWithItsPassphraseOnly) {
  auto created = MustOpenOrCreate(Encrypted("alpha"));
  ASSERT_NE(created, nullptr);
  ASSERT_NE(created->key(), nullptr);
  EXPECT_EQ(created->key()->number, 1u);
  EXPECT_EQ(KeysUnder(memory_, "keys/").size(), 1u);
  auto opened = Open(Encrypted("alpha"));
  ASSERT_TRUE(opened.ok()) << TextOf(opened);
  EXPECT_EQ(opened.value()->key()->secret, created->key()->secret);

  auto wrong = Open(Encrypted("beta"));
  ASSERT_EQ(wrong.code(), Code::kInvalidArgument);
  EXPECT_NE(wrong.status().hint().find("passphrase-beta"), std::string::npos);
  auto missing = Open(config_);
  ASSERT_EQ(missing.code(), Code::kInvalidArgument);
  EXPECT_NE(missing.status().message().find("is encrypted, but no passphrase is set"), std::string::npos);
  EXPECT_EQ(OpenOrCreate(config_).code(), Code::kInvalidArgument);
  Config gone = config_;
  gone.passphrase_file = dir_ + "/nowhere";
  EXPECT_EQ(Open(gone).code(), Code::kInvalidArgument);
}

TEST_F(RepositoryOpen, APassphraseForAPlainRepositoryIsRefused) {
  ASSERT_NE(MustOpenOrCreate(config_), nullptr);
  auto opened = Open(Encrypted("alpha"));
  ASSERT_EQ(opened.code(), Code::kInvalidArgument);
  EXPECT_NE(opened.status().message().find("is not encrypted"), std::string::npos);
}

TEST_F(RepositoryOpen, NothingIsCreatedWithAnUnusablePassphraseFile) {
  Config config = config_;
  config.passphrase_file = Write("open", "alpha\n", 0644);
  EXPECT_EQ(OpenOrCreate(config).code(), Code::kPermission);
  EXPECT_TRUE(memory_.Keys().empty());
}

TEST_F(RepositoryOpen, TheKeyIsThereBeforeTheMarker) {
  const Config config = Encrypted("alpha");
  auto store = Store();
  std::vector<std::string> order;
  faults().OnCall([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kCreate) order.push_back(key);
  });
  ASSERT_TRUE(OpenOrCreateRepositoryOn(std::move(store), config, kCluster, NullLog(), ctx_).ok());
  ASSERT_EQ(order.size(), 2u);
  EXPECT_TRUE(order[0].starts_with("keys/"));
  EXPECT_EQ(order[1], "pg_pitr.marker");
}

TEST_F(RepositoryOpen, ACreatorThatLosesTheRaceUsesTheWinnersRepository) {
  const Config config = Encrypted("alpha");
  std::unique_ptr<Repository> winner;
  auto store = Store();
  faults().OnCall([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kCreate && key == "pg_pitr.marker" && winner == nullptr) winner = MustOpenOrCreate(config);
  });
  auto loser = OpenOrCreateRepositoryOn(std::move(store), config, kCluster, NullLog(), ctx_);
  ASSERT_TRUE(loser.ok()) << TextOf(loser);
  ASSERT_NE(winner, nullptr);
  EXPECT_EQ(loser.value()->marker().repository_id, winner->marker().repository_id);
  EXPECT_EQ(loser.value()->key()->secret, winner->key()->secret);
  EXPECT_EQ(KeysUnder(memory_, "keys/").size(), 1u);  // its own slot is gone
}

TEST_F(RepositoryOpen, ACreatorOfAnotherClusterThatLosesTheRaceIsRefused) {
  std::unique_ptr<Repository> winner;
  auto store = Store();
  faults().OnCall([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kCreate && key == "pg_pitr.marker" && winner == nullptr) winner = MustOpenOrCreate(config_);
  });
  ClusterIdentity other = kCluster;
  other.system_id.value++;
  auto loser = OpenOrCreateRepositoryOn(std::move(store), config_, other, NullLog(), ctx_);
  EXPECT_EQ(loser.code(), Code::kConflict);
}

TEST_F(RepositoryOpen, ManyCreatorsAgree) {
  const Config config = Encrypted("alpha");
  std::vector<std::unique_ptr<Repository>> opened(4);
  std::vector<std::thread> threads;
  for (auto& slot : opened)
    threads.emplace_back([&slot, this, &config] {
      auto repository =
          OpenOrCreateRepositoryOn(std::make_unique<test::FaultyStore>(memory_), config, kCluster, NullLog(), ctx_);
      if (repository.ok()) slot = std::move(repository).value();
    });
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : opened) {
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(slot->key()->secret, opened[0]->key()->secret);
  }
  EXPECT_EQ(KeysUnder(memory_, "keys/").size(), 1u);
}

TEST_F(RepositoryOpen, AnUnclearAnswerForTheMarkerKeepsTheKey) {
  const Config config = Encrypted("alpha");
  auto store = Store();
  faults().Inject({.op = StoreOp::kCreate, .key_contains = "pg_pitr.marker", .after = true});
  EXPECT_EQ(OpenOrCreateRepositoryOn(std::move(store), config, kCluster, NullLog(), ctx_).code(), Code::kUnavailable);
  auto again = OpenOrCreate(config);
  EXPECT_TRUE(again.ok()) << TextOf(again);
}

TEST_F(RepositoryOpen, DamagedMarkersAndSlotsAreNamed) {
  ASSERT_NE(MustOpenOrCreate(Encrypted("alpha")), nullptr);
  const std::string slot = KeysUnder(memory_, "keys/")[0];
  memory_.FlipBit(slot, 64 * 8 + 24 * 8 + 100);
  auto damaged = Open(Encrypted("alpha"));
  EXPECT_EQ(damaged.code(), Code::kCorruption);
  EXPECT_NE(TextOf(damaged).find(slot), std::string::npos) << TextOf(damaged);
  ASSERT_TRUE(memory_.Delete({slot}, ctx_).ok());
  EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kCorruption);
  memory_.FlipBit("pg_pitr.marker", 1000);
  EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kCorruption);
  EXPECT_EQ(OpenOrCreate(Encrypted("alpha")).code(), Code::kCorruption);
  memory_.Truncate("pg_pitr.marker", 70);
  EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kCorruption);
}

TEST_F(RepositoryOpen, SmallObjectsGoThroughTheEnvelope) {
  auto repository = MustOpenOrCreate(Encrypted("alpha"));
  const std::string key = layout::BackupKey("b1", layout::BackupObject::kStart);
  ASSERT_TRUE(
      repository->CreateObject(ObjectKind::kBackupStart, key, AsBytes("hello, hello, hello, hello"), ctx_).ok());
  EXPECT_EQ(repository->CreateObject(ObjectKind::kBackupStart, key, AsBytes("other"), ctx_).code(),
            Code::kAlreadyExists);
  EXPECT_EQ(AsText(repository->ReadObject(ObjectKind::kBackupStart, key, 100, ctx_).value()),
            "hello, hello, hello, hello");
  EXPECT_EQ(repository->ReadObject(ObjectKind::kBackupStart, key, 10, ctx_).code(), Code::kCorruption);
  EXPECT_EQ(repository->ReadObject(ObjectKind::kManifest, key, 100, ctx_).code(), Code::kCorruption);
  EXPECT_EQ(repository->ReadObject(ObjectKind::kBackupStart, key + "x", 100, ctx_).code(), Code::kNotFound);
}

TEST_F(RepositoryOpen, DirectoriesAreMadeAndFound) {
  EXPECT_FALSE(OpenRepository(config_, NullLog(), ctx_).ok());
  auto created = OpenOrCreateRepository(config_, kCluster, NullLog(), ctx_);
  ASSERT_TRUE(created.ok()) << TextOf(created);
  auto opened = OpenRepository(config_, NullLog(), ctx_);
  ASSERT_TRUE(opened.ok()) << TextOf(opened);
  EXPECT_EQ(opened.value()->marker().repository_id, created.value()->marker().repository_id);
  EXPECT_TRUE(OpenOrCreateRepository(config_, kCluster, NullLog(), ctx_).ok());
  Config wrong = config_;
  wrong.repository = "gs://x";
  EXPECT_EQ(OpenOrCreateRepository(wrong, kCluster, NullLog(), ctx_).code(), Code::kInvalidArgument);
  wrong.repository = "file:///dev/null/x";
  EXPECT_FALSE(OpenOrCreateRepository(wrong, kCluster, NullLog(), ctx_).ok());
}

using KeyringTest = test::RepositoryTest;

TEST_F(KeyringTest, PassphrasesAreAddedAndRemoved) {
  auto repository = MustOpenOrCreate(Encrypted("alpha"));
  ASSERT_TRUE(AddPassphrase(*repository, "beta", ctx_).ok());
  EXPECT_EQ(AddPassphrase(*repository, "beta", ctx_).code(), Code::kAlreadyExists);
  EXPECT_EQ(AddPassphrase(*repository, "", ctx_).code(), Code::kInvalidArgument);
  auto opened = Open(Encrypted("beta"));
  ASSERT_TRUE(opened.ok()) << TextOf(opened);
  EXPECT_EQ(opened.value()->key()->secret, repository->key()->secret);
  EXPECT_EQ(RemovePassphrase(*repository, "gamma", ctx_).code(), Code::kNotFound);
  EXPECT_EQ(RemovePassphrase(*opened.value(), "alpha", ctx_).value(), 1);
  EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kInvalidArgument);
  auto last = RemovePassphrase(*opened.value(), "beta", ctx_);
  EXPECT_EQ(last.code(), Code::kInvalidArgument);
  EXPECT_TRUE(Open(Encrypted("beta")).ok());
}

TEST_F(KeyringTest, RemovingEachOthersPassphraseLeavesOne) {
  auto repository = MustOpenOrCreate(Encrypted("alpha"));
  ASSERT_TRUE(AddPassphrase(*repository, "beta", ctx_).ok());
  bool raced = false;
  const std::vector<std::string> slots = KeysUnder(memory_, "keys/");
  faults().OnCall([&](StoreOp op, const std::string& key) {
    if (op != StoreOp::kDelete || raced) return;
    raced = true;
    for (const std::string& slot : slots)
      if (slot != key) { EXPECT_TRUE(memory_.Delete({slot}, ctx_).ok()); }
  });
  EXPECT_EQ(RemovePassphrase(*repository, "alpha", ctx_).code(), Code::kConflict);
  EXPECT_TRUE(raced);
  EXPECT_TRUE(Open(Encrypted("alpha")).ok());
}

TEST_F(KeyringTest, OneDamagedSlotDoesNotLockTheOthersOut) {
  auto repository = MustOpenOrCreate(Encrypted("alpha"));
  const std::string slot = KeysUnder(memory_, "keys/")[0];
  ASSERT_TRUE(AddPassphrase(*repository, "beta", ctx_).ok());
  memory_.Truncate(slot, 30);
  EXPECT_TRUE(Open(Encrypted("beta")).ok());
  EXPECT_EQ(Open(Encrypted("alpha")).code(), Code::kCorruption);
}

TEST_F(KeyringTest, PlainRepositoriesHaveNoPassphrases) {
  auto repository = MustOpenOrCreate(config_);
  EXPECT_EQ(AddPassphrase(*repository, "x", ctx_).code(), Code::kInvalidArgument);
  EXPECT_EQ(RemovePassphrase(*repository, "x", ctx_).code(), Code::kInvalidArgument);
}

TEST_F(KeyringTest, ASlotIsBoundToItsRepositoryAndPlace) {
  RepositoryKey key;
  key.number = 1;
  key.secret.fill(9);
  const KeySlot slot = WrapKey(key, std::string(32, 'a'), "alpha", 5).value();
  const KeySlot back = DecodeKeySlot(EncodeKeySlot(slot), slot.object_key()).value();
  RepositoryKey opened;
  ASSERT_TRUE(UnwrapKey(back, "alpha", opened).ok());
  EXPECT_EQ(opened.secret, key.secret);
  EXPECT_EQ(back.created_micros, 5);
  KeySlot moved = back;
  moved.slot++;
  EXPECT_EQ(UnwrapKey(moved, "alpha", opened).code(), Code::kInvalidArgument);
  moved = back;
  moved.repository_id[0] = 'b';
  EXPECT_EQ(UnwrapKey(moved, "alpha", opened).code(), Code::kInvalidArgument);
  EXPECT_EQ(UnwrapKey(back, "Alpha", opened).code(), Code::kInvalidArgument);
  moved = back;
  moved.cost.n = uint64_t{1} << 62;  // a slot somebody made up must not take all memory
  EXPECT_EQ(UnwrapKey(moved, "alpha", opened).code(), Code::kInvalidArgument);
  const std::string json = EncodeKeySlot(slot);
  EXPECT_EQ(DecodeKeySlot(json, "keys/00000002.00000001").code(), Code::kCorruption);
  for (size_t n = 0; n < json.size(); n++)
    EXPECT_EQ(DecodeKeySlot(json.substr(0, n), slot.object_key()).code(), Code::kCorruption);
  EXPECT_EQ(json.find("alpha"), std::string::npos);
}

TEST(Marker, RefusesWhatIsWrong) {
  RepositoryMarker marker{.cluster = kCluster, .cluster_name = "x\"y", .repository_id = std::string(32, 'f')};
  const std::string json = EncodeMarker(marker);
  EXPECT_EQ(DecodeMarker(json).value().cluster_name, "x\"y");
  for (size_t n = 0; n < json.size(); n++) EXPECT_EQ(DecodeMarker(json.substr(0, n)).code(), Code::kCorruption);
  marker.format_version = 2;
  EXPECT_EQ(DecodeMarker(EncodeMarker(marker)).code(), Code::kInvalidArgument);
  marker.format_version = 1;
  marker.cluster.segment_size_bytes = 12345;
  EXPECT_EQ(DecodeMarker(EncodeMarker(marker)).code(), Code::kCorruption);
  std::string more = json;
  more.insert(more.size() - 1, ",\"later\":[1,2]");
  EXPECT_TRUE(DecodeMarker(more).ok());
}

}  // namespace
}  // namespace pitr
