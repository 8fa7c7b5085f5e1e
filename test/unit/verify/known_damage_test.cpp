// Starts no thread.
#include "core/verify/known_damage.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

BackupManifest Backup(const std::string& label, const std::vector<std::string>& packs) {
  BackupManifest backup;
  backup.label = label;
  backup.start_micros = 1;
  for (const std::string& pack : packs) backup.packs.push_back({pack, 100});
  return backup;
}

Finding Bad(const std::string& object, const std::vector<std::string>& labels, Severity severity = Severity::kDamage) {
  Finding finding;
  finding.severity = severity;
  finding.problem = "missing";
  finding.object = object;
  finding.labels = labels;
  return finding;
}

VerifyRecord Earlier(VerifyMode mode, const std::string& label, const std::vector<Finding>& findings) {
  VerifyRecord record;
  record.request.mode = mode;
  record.finished = true;
  record.ended_micros = 10;
  record.backups[label];
  record.findings = findings;
  return record;
}

class FindUndamagedTest : public testing::Test {
 protected:
  std::string Found(const std::vector<Finding>& found, const std::set<std::string>& read_whole = {},
                    const std::vector<VerifyRecord>& earlier = {}) const {
    const BackupManifest* backup = FindUndamaged(backups_, found, read_whole, earlier);
    return backup == nullptr ? "" : backup->label;
  }
  const std::vector<BackupManifest> backups_ = {Backup("f0", {"data/f0/000001"}),
                                                Backup("i1", {"data/f0/000001", "data/i1/000001"}),
                                                Backup("f2", {"data/f2/000001"}), Backup("i3", {"data/f2/000001"})};
};

TEST_F(FindUndamagedTest, TheNewestOfWhichNothingIsFound) {
  EXPECT_EQ(Found({}), "i3");
  EXPECT_EQ(Found({Bad("data/f0/000001", {"f0"})}), "i3");
  EXPECT_EQ(Found({Bad("data/f2/000001", {"f2", "i3"})}), "i1");
  EXPECT_EQ(Found({Bad("data/f2/000001", {"f2", "i3"}), Bad("data/f0/000001", {"f0", "i1"})}), "");
  EXPECT_EQ(Found({Bad("data/f2/000001", {"i3"}, Severity::kUnchecked)}), "i1") << "nor of what could not be read";
  EXPECT_EQ(Found({Bad("change/1", {"i3"}, Severity::kWarning)}), "i3");
}

TEST_F(FindUndamagedTest, NeitherWhoSharesADamagedObjectNorWhomAnotherFindingIsAbout) {
  EXPECT_EQ(Found({Bad("data/f2/000001", {"f2"})}), "i1") << "nobody asked what i3 needs of it";
  EXPECT_EQ(Found({Bad("data/f2/000001", {"f2"}), Bad("wal/00000001/7", {"f0", "i1"})}), "");
}

TEST_F(FindUndamagedTest, NorOneThatIsDamagedOnRecordUnlessItWasJustReadWhole) {
  const std::vector<VerifyRecord> earlier = {
      Earlier(VerifyMode::kFull, "i3", {Bad("data/f2/000001", {"i3"})}),
  };
  const std::vector<Finding> found = {Bad("data/f0/000001", {"f0", "i1"})};
  EXPECT_EQ(Found(found, {}, earlier), "") << "f2 has the object, too";
  EXPECT_EQ(Found(found, {"f2"}, earlier), "f2");
  EXPECT_EQ(Found(found, {"f2", "i3"}, earlier), "i3");
}

}  // namespace
}  // namespace pitr
