// Which kit may be written back where: a foreign one must not take the place of the right one.
// Starts no thread.
#include "core/repo/opening/recovery_kit.h"
#include "core/repo/opening/open_repository.h"

#include "core/repo/manifest.h"
#include "lib/repository_fixture.h"
#include "lib/stored_segment.h"

namespace pitr::test {
namespace {

const std::string kMarker(layout::kMarkerKey);
const ClusterIdentity kOther{{7000000000000000001u}, 1u << 20, 15};

class RecoveryKitTest : public RepositoryTest {
 protected:
  // A repository with a segment and a started backup in memory_, and its kit.
  RecoveryKit Make(const Config& config) {
    const auto repository = MustOpenOrCreate(config);
    EXPECT_TRUE(StoreSegment(*repository, 5).ok());
    EXPECT_TRUE(memory_.Create("backup/a/start", AsBytes("x"), ctx_).ok());
    return KitOf(memory_);
  }
  // The kit of a repository somewhere else.
  RecoveryKit Foreign(const Config& config, const ClusterIdentity& cluster = kOther) {
    MemoryStore elsewhere;
    auto made = OpenOrCreateRepositoryOn(std::make_unique<FaultyStore>(elsewhere), config, cluster, NullLog(), ctx_);
    EXPECT_TRUE(made.ok()) << TextOf(made);
    return KitOf(elsewhere);
  }
  RecoveryKit KitOf(ObjectStore& store) {
    const auto kit = ReadRecoveryKit(store, ctx_);
    EXPECT_TRUE(kit.ok()) << TextOf(kit);
    // As a file has it.
    const auto read = ParseRecoveryKit(FormatRecoveryKit(kit.value()));
    EXPECT_TRUE(read.ok()) << TextOf(read);
    return read.value();
  }
  void Lose() {
    std::vector<std::string> lost = memory_.Keys();
    std::erase_if(lost, [](const std::string& key) { return key != kMarker && !layout::ParseKeySlotKey(key); });
    ASSERT_TRUE(memory_.Delete(lost, ctx_).ok());
  }
  // Nothing was written, and the message has all of `says`.
  void ExpectRefused(const RecoveryKit& kit, const Config& config, Code code, const std::vector<std::string>& says) {
    const auto before = memory_.Keys();
    const auto imported = ImportRecoveryKit(memory_, kit, config.passphrase_file, ctx_);
    EXPECT_EQ(imported.code(), code) << TextOf(imported);
    for (const std::string& words : says)
      EXPECT_NE(TextOf(imported).find(words), std::string::npos) << words << "\n" << TextOf(imported);
    EXPECT_EQ(memory_.Keys(), before);
  }
  void ExpectImported(const RecoveryKit& kit, const Config& config) {
    const auto imported = ImportRecoveryKit(memory_, kit, config.passphrase_file, ctx_);
    ASSERT_TRUE(imported.ok()) << TextOf(imported);
    EXPECT_EQ(imported.value().back(), kMarker);
    EXPECT_TRUE(Open(config).ok());
  }
  static std::string Id(const ClusterIdentity& cluster) {
    return "system identifier " + std::to_string(cluster.system_id.value);
  }
};

TEST_F(RecoveryKitTest, AKitOfAnotherClusterIsRefusedAndTheRightOneStillWorks) {
  const RecoveryKit right = Make(config_);
  Lose();
  ExpectRefused(Foreign(config_), config_, Code::kConflict,
                {"the recovery kit is not of the repository at memory:", Id(kCluster), Id(kOther),
                 "\"wal/00000001/000000/00000000/000000010000000000000005\"", "Nothing was written"});
  ExpectImported(right, config_);
}

TEST_F(RecoveryKitTest, AKitOfAnotherKeyOrAnotherClusterIsRefusedByAnEncryptedRepository) {
  const Config config = Encrypted("alpha");
  const RecoveryKit right = Make(config);
  Lose();
  // The same cluster's earlier repository, with the same passphrase: only the key tells.
  ExpectRefused(Foreign(config, kCluster), config, Code::kConflict,
                {"\"wal/00000001/000000/00000000/000000010000000000000005\" cannot be opened", Id(kCluster)});
  ExpectRefused(Foreign(config), config, Code::kConflict, {"cannot be opened", Id(kOther)});
  ExpectRefused(right, Encrypted("wrong"), Code::kInvalidArgument, {"opens none of the key slots of the kit"});
  ExpectRefused(right, config_, Code::kInvalidArgument, {"no passphrase is set"});
  ExpectRefused(Foreign(config_, kCluster), config_, Code::kConflict, {"is encrypted", "not encrypted"});
  ExpectImported(right, config);
}

TEST_F(RecoveryKitTest, AnEncryptedKitIsRefusedByAPlainRepository) {
  const RecoveryKit right = Make(config_);
  Lose();
  const Config encrypted = Encrypted("alpha");
  const RecoveryKit foreign = Foreign(encrypted, kCluster);
  ExpectRefused(foreign, config_, Code::kConflict, {"is not encrypted", "encrypted, repository id"});
  ExpectRefused(foreign, encrypted, Code::kConflict, {"is not encrypted"});
  ExpectRefused(right, encrypted, Code::kInvalidArgument, {"a passphrase is set"});
  ExpectImported(right, config_);
}

TEST_F(RecoveryKitTest, AManifestTellsAsWell) {
  const auto repository = MustOpenOrCreate(config_);
  BackupManifest manifest;
  manifest.label = "20260522-090014F";
  manifest.cluster = kCluster;
  manifest.timeline = manifest.stop_timeline = Timeline{1};
  manifest.start_lsn = manifest.checkpoint_lsn = Lsn{0x500028};
  manifest.stop_lsn = Lsn{0x600000};
  manifest.file_map_key = layout::BackupKey(manifest.label, layout::BackupObject::kFiles);
  manifest.file_map_sha256 = std::string(64, '0');
  const std::string json = EncodeManifest(manifest);
  ASSERT_TRUE(repository
                  ->CreateObject(ObjectKind::kManifest,
                                 layout::BackupKey(manifest.label, layout::BackupObject::kManifest), AsBytes(json),
                                 ctx_)
                  .ok());
  const RecoveryKit right = KitOf(memory_);
  Lose();
  ExpectRefused(Foreign(config_), config_, Code::kConflict,
                {"\"backup/20260522-090014F/manifest\" is of", Id(kCluster)});
  ExpectImported(right, config_);
}

TEST_F(RecoveryKitTest, OtherSegmentSizesAreAnotherCluster) {
  Make(config_);
  Lose();
  ClusterIdentity cluster = kCluster;
  cluster.segment_size_bytes = 16u << 20;
  ExpectRefused(Foreign(config_, cluster), config_, Code::kConflict, {"WAL segments of 16 MB", "WAL segments of 1 MB"});
}

TEST_F(RecoveryKitTest, NothingToCompareWithIsNothingToSave) {
  const RecoveryKit right = Make(config_);
  Lose();
  ASSERT_TRUE(memory_.Delete({"wal/00000001/000000/00000000/000000010000000000000005"}, ctx_).ok());
  ExpectRefused(right, config_, Code::kConflict,
                {"there is nothing to be saved", "neither a WAL segment nor a finished backup"});
}

TEST_F(RecoveryKitTest, DamageDoesNotKeepTheRightKitOut) {
  const Config config = Encrypted("alpha");
  const RecoveryKit right = Make(config);
  ASSERT_TRUE(StoreSegment(*MustOpenOrCreate(config), 6).ok());
  ASSERT_TRUE(memory_.FlipBit("wal/00000001/000000/00000000/000000010000000000000005", 8 * 200));
  Lose();
  ExpectImported(right, config);
}

TEST_F(RecoveryKitTest, AWrongMarkerIsNamedAndHowToBeRidOfIt) {
  const RecoveryKit right = Make(config_);
  Lose();
  const RecoveryKit foreign = Foreign(config_);
  memory_.Replace(kMarker, foreign.objects.back().second);
  ExpectRefused(right, config_, Code::kConflict,
                {Id(kCluster), Id(kOther), "What is stored is the kit's: the marker is wrong",
                 "Delete the one object \"pg_pitr.marker\""});
  ASSERT_TRUE(memory_.Delete({kMarker}, ctx_).ok());
  ExpectImported(right, config_);
  // A foreign kit where the right marker is: nobody is told to delete that.
  const auto refused = ImportRecoveryKit(memory_, foreign, "", ctx_);
  EXPECT_EQ(refused.code(), Code::kConflict);
  EXPECT_EQ(TextOf(refused).find("Delete"), std::string::npos) << TextOf(refused);
}

TEST_F(RecoveryKitTest, WhatCannotBeToldIsLeftToAPerson) {
  const RecoveryKit right = Make(config_);
  const RecoveryKit earlier = Foreign(config_, kCluster);
  memory_.Replace(kMarker, earlier.objects.back().second);
  ExpectRefused(right, config_, Code::kConflict, {"What is stored fits both", "The file pg_pitr.repository"});
}

TEST_F(RecoveryKitTest, DamagedObjectsOfTheKitInTheStoreAreNamed) {
  const Config config = Encrypted("alpha");
  const RecoveryKit right = Make(config);
  memory_.FlipBit(right.objects.front().first, 8 * 100);
  ExpectRefused(right, config, Code::kConflict, {"\"" + right.objects.front().first + "\" is there and differs"});
  ASSERT_TRUE(memory_.Delete({right.objects.front().first}, ctx_).ok());
  memory_.Replace(kMarker, Bytes(500, '<'));
  ExpectRefused(right, config, Code::kCorruption, {"not an object of pg_pitr", "keep a copy, delete it"});
}

TEST_F(RecoveryKitTest, AMissingMarkerIsNotCalledAMissingRepository) {
  Make(config_);
  Lose();
  const auto opened = Open(config_);
  EXPECT_EQ(opened.code(), Code::kNotFound);
  EXPECT_EQ(opened.status().message(), "the marker of repository memory: is missing");
  EXPECT_NE(opened.status().hint().find("pg_pitr key import FILE"), std::string::npos) << TextOf(opened);
  EXPECT_NE(opened.status().hint().find("pg_pitr.kit"), std::string::npos) << TextOf(opened);
  EXPECT_EQ(OpenOrCreate(config_).code(), Code::kConflict) << "and nothing is created in its place";
}

}  // namespace
}  // namespace pitr::test
