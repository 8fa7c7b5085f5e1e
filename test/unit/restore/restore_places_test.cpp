// Where a restore may write, and that a dry run refuses whatever the restore refuses.
#include "core/restore/restore_places.h"

#include <sys/stat.h>

#include <functional>

#include "core/repo/layout.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using Kind = RestorePlace::Kind;
using test::ReadFileText;
using test::WriteFileText;

class RestorePlacesTest : public testing::Test {
 protected:
  void SetUp() override {
    WriteFileText(At("other/PG_VERSION"), "15\n");
    WriteFileText(At("other/global/pg_control"), "x");
    fs::create_directories(At("other/base/5"));
    fs::create_directories(At("their ts/PG_15_202209061/5"));
    fs::create_directories(At("repository/wal"));
    fs::create_directory_symlink(At("other/base"), At("link"));
  }
  std::string At(const std::string& path) const { return scratch_.path() + "/" + path; }
  RestorePlace Data(const std::string& path) const { return {Kind::kData, At(path), "", true}; }
  RestorePlace Wal(const std::string& path) const { return {Kind::kWal, At(path), "", true}; }
  RestorePlace Mapped(const std::string& path, const std::string& oid = "16400") const {
    return {Kind::kTablespace, At(path), oid, true};
  }
  RestorePlace Recorded(const std::string& path, const std::string& oid = "16400") const {
    return {Kind::kTablespace, At(path), oid, false};
  }
  std::string Refusal(const std::vector<RestorePlace>& places) const {
    const Status status = CheckRestorePlaces(places, At("repository"));
    return status.ok() ? "" : status.ToString();
  }
  void ExpectRefused(const std::vector<RestorePlace>& places, const std::string& one, const std::string& other) {
    const std::string refusal = Refusal(places);
    EXPECT_NE(refusal.find("\"" + At(one) + "\""), std::string::npos) << one << ": " << refusal;
    EXPECT_NE(refusal.find("\"" + At(other) + "\""), std::string::npos) << other << ": " << refusal;
  }

  test::ScratchDirectory scratch_;
};

TEST_F(RestorePlacesTest, AnotherClustersDataDirectoryIsNoPlace) {
  ExpectRefused({Data("other/sub")}, "other/sub", "other");
  ExpectRefused({Data("other/base/5/deep/er")}, "other/base/5/deep/er", "other");
  ExpectRefused({Data("link/sub")}, "link/sub", "other");
  ExpectRefused({Data("no/../other/sub")}, "no/../other/sub", "other");
  ExpectRefused({Data("data"), Mapped("other/base")}, "other/base", "other");
  ExpectRefused({Data("data"), Mapped("link")}, "link", "other");
  ExpectRefused({Data("data"), Wal("other/wal")}, "other/wal", "other");
  ExpectRefused({Data("data"), Wal("other")}, "other", "other");
  ExpectRefused({Data("data"), {Kind::kNewTablespace, At("other/ts"), "7", false}}, "other/ts", "other");
  ExpectRefused({Data("data"), {Kind::kAside, At("other/ts"), "7", false}}, "other/ts", "other");
  // Half restored it is one as well.
  fs::remove(At("other/global/pg_control"));
  WriteFileText(At("other/pg_pitr.restore"), "{}");
  ExpectRefused({Data("data"), Wal("other/wal")}, "other/wal", "other");
  EXPECT_EQ(Refusal({Data("other")}), "") << "its own directory is looked at by whoever knows what is in it";
  EXPECT_EQ(Refusal({Data("data"), Wal("wal"), Mapped("ts"), Mapped("ts2", "16401")}), "");
}

TEST_F(RestorePlacesTest, TheRepositoryIsNoPlace) {
  for (const char* path : {"repository", "repository/wal/new", "."}) {
    const std::string at = At(path);
    EXPECT_NE(Refusal({{Kind::kData, at, "", true}}).find("the repository's directory"), std::string::npos) << path;
    for (const Kind kind : {Kind::kWal, Kind::kTablespace, Kind::kNewTablespace, Kind::kAside})
      EXPECT_NE(Refusal({Data("elsewhere/data"), {kind, at, "16400", true}}).find("\"" + At("repository") + "\""),
                std::string::npos)
          << path;
  }
  fs::create_directory_symlink(At("repository"), At("way"));
  ExpectRefused({Data("way/sub")}, "way/sub", "repository");
  EXPECT_EQ(Refusal({Data("repository2")}), "");
}

TEST_F(RestorePlacesTest, AnotherClustersTablespaceIsNoPlace) {
  ExpectRefused({Data("their ts/sub")}, "their ts/sub", "their ts");
  ExpectRefused({Data("their ts")}, "their ts", "their ts");
  ExpectRefused({Data("data"), Wal("their ts/PG_15_202209061/5")}, "their ts/PG_15_202209061/5", "their ts");
  ExpectRefused({Data("data"), Mapped("their ts/sub")}, "their ts/sub", "their ts");
  ExpectRefused({Data("data"), Recorded("their ts/PG_15_202209061/x")}, "their ts/PG_15_202209061/x", "their ts");
  EXPECT_EQ(Refusal({Data("data"), Mapped("their ts")}), "") << "is looked at by whoever knows the version";
}

TEST_F(RestorePlacesTest, NoPlaceIsInsideAnother) {
  ExpectRefused({Data("data"), Wal("data/wal")}, "data/wal", "data");
  ExpectRefused({Data("data"), Wal("data")}, "data", "data");
  ExpectRefused({Data("data"), Mapped("data/pg_tblspc/16400")}, "data/pg_tblspc/16400", "data");
  ExpectRefused({Data("ts/data"), Mapped("ts")}, "ts/data", "ts");
  ExpectRefused({Data("data"), Mapped("ts", "1"), Mapped("ts/more", "2")}, "ts/more", "ts");
  ExpectRefused({Data("data"), Mapped("ts", "1"), Mapped("x/../ts", "2")}, "x/../ts", "ts");
  ExpectRefused({Data("data"), Wal("ts/wal"), Mapped("ts")}, "ts/wal", "ts");
  fs::create_directories(At("data"));
  fs::create_directory_symlink(At("data"), At("alias"));
  ExpectRefused({Data("data"), Wal("alias/wal")}, "alias/wal", "data");
  ExpectRefused({Data("alias"), Mapped("data/ts")}, "data/ts", "alias");
  // As PostgreSQL made them.
  EXPECT_EQ(Refusal({Data("data"), Recorded("ts", "1"), Recorded("ts/more", "2")}), "");
  ExpectRefused({Data("data"), Recorded("ts", "1"), Recorded("ts/PG_15_1/more", "2")}, "ts/PG_15_1/more", "ts");
  EXPECT_EQ(Refusal({Data("data"), Recorded("ts"), {Kind::kNewTablespace, At("ts"), "16400", false}}), "");
  fs::create_directory_symlink(At("nowhere"), At("dangling"));
  EXPECT_NE(Refusal({Data("dangling")}).find("leads nowhere"), std::string::npos);
}

// Every refusal is in this table; a restore and its dry run are asked, and nothing may have changed.
class RefusalTest : public test::RestoreFixture {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Prepare(true)); }

  struct Case {
    const char* part;  // of the refusal
    std::function<void()> arrange;
  };
  std::string Snapshot() const {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(scratch_.path())) {
      struct stat info;
      if (lstat(entry.path().c_str(), &info) != 0) continue;
      all += entry.path().string() + " " + std::to_string(info.st_mode) + " " +
             (S_ISREG(info.st_mode) ? ReadFileText(entry.path()) : "") + "\n";
    }
    return all;
  }
  void RefusedByBoth(const Case& one) {
    SCOPED_TRACE(one.part);
    const RestoreOptions options = options_;
    const RestorePlan plan = plan_;
    ASSERT_NO_FATAL_FAILURE(one.arrange());
    const std::string before = Snapshot();
    const auto dry = CheckRestore(*repo_.repository, plan_, options_, OpContext());
    EXPECT_EQ(Snapshot(), before) << "of the dry run";
    const auto real = Run();
    EXPECT_EQ(Snapshot(), before) << "of the restore";
    ASSERT_FALSE(dry.ok());
    ASSERT_FALSE(real.ok());
    EXPECT_EQ(dry.status().ToString(), real.status().ToString());
    EXPECT_EQ(dry.code(), real.code());
    EXPECT_NE(real.status().ToString().find(one.part), std::string::npos) << real.status().ToString();
    options_ = options;
    plan_ = plan;
    for (const auto& entry : fs::directory_iterator(scratch_.path())) {
      if (!entry.is_symlink()) fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add);
      fs::remove_all(entry.path());
    }
  }
  std::string Place(const std::string& path) const { return scratch_.path() + "/" + path; }
};

TEST_F(RefusalTest, ADryRunRefusesWhatTheRestoreDoes) {
  const std::string version = tree_.tablespace_directory();
  const std::vector<Case> cases = {
      {"is not an absolute path", [&] { options_.data_directory = "data"; }},
      {"is not empty", [&] { WriteFileText(At("mine"), "x"); }},
      {"is not a data directory",
       [&] {
         WriteFileText(At("mine"), "x");
         options_.delta = true;
       }},
      {"cannot tell whose cluster",
       [&] {
         WriteFileText(At("PG_VERSION"), "15\n");
         options_.delta = true;
       }},
      {"holds a cluster of PostgreSQL 9",
       [&] {
         WriteFileText(At("PG_VERSION"), "9\n");
         options_.delta = true;
       }},
      {"holds an unfinished restore of another cluster",
       [&] { WriteFileText(At("pg_pitr.restore"), "{\"label\":\"x\",\"system_identifier\":\"1\"}"); }},
      {"cannot be understood", [&] { WriteFileText(At("pg_pitr.restore"), "{\"label\":7}"); }},
      {"the server has been started since",
       [&] {
         WriteFileText(At("pg_pitr.restore"), "{\"label\":\"x\"}");
         WriteFileText(At("global/pg_control"), "y");
       }},
      {"holds \"new ts\", which",
       [&] {
         // The tablespace inside it is not what is wrong.
         WriteFileText(At("new ts/x"), "x");
         options_.tablespace_map["16400"] = At("new ts");
       }},
      {"a file of another kind is there", [&] { WriteFileText(options_.data_directory, "a file"); }},
      {"may be using it", [&] { WriteFileText(Place("new ts/" + version + "/5/7"), "theirs"); }},
      {"exists already", [&] { fs::create_directories(Place("new ts/" + version)); }},
      {"is not a directory", [&] { WriteFileText(Place("new ts"), "a file"); }},
      {"has no tablespace \"/no/such\"", [&] { options_.tablespace_map["/no/such"] = "/x"; }},
      {"not an absolute path", [&] { options_.tablespace_map["16400"] = "relative"; }},
      {"cannot be mapped elsewhere", [&] { options_.tablespace_map["16401"] = "/x"; }},
      {"inside the data directory", [&] { options_.tablespace_map["16400"] = At("inside"); }},
      {"is inside the data directory", [&] { options_.wal_directory = At("wal"); }},
      {"is not empty",
       [&] {
         options_.wal_directory = Place("wal");
         WriteFileText(Place("wal/precious"), "x");
       }},
      {"the data directory of another cluster",
       [&] {
         WriteFileText(Place("other/PG_VERSION"), "15\n");
         WriteFileText(Place("other/global/pg_control"), "x");
         options_.data_directory = Place("other/sub/sub");
       }},
      {"leads nowhere", [&] { fs::create_directory_symlink(Place("nowhere"), options_.data_directory); }},
      {"replay would write into",
       [&] {
         plan_.replay.tablespaces.push_back({20000, Place("made"), Lsn{1}});
         WriteFileText(Place("made/PG_15_1/5/7"), "theirs");
       }},
      {"cannot be mapped away from",
       [&] {
         plan_.replay.tablespaces.push_back({20000, Place("made"), Lsn{1}});
         fs::create_directories(Place("made"));
         options_.tablespace_map["20000"] = Place("elsewhere");
       }},
      {"backup_label", [&] { plan_.backup.backup_label = "nonsense"; }},
      {"tablespace_map", [&] { plan_.backup.tablespace_map = "nonsense"; }},
  };
  for (const Case& one : cases) ASSERT_NO_FATAL_FAILURE(RefusedByBoth(one));
}

// Whoever can write to the repository can have it name any directory.
TEST_F(RefusalTest, RootAsksBeforeItGoesWhereTheRepositorySays) {
  if (geteuid() != 0) return;
  const auto recorded = [&] { options_.tablespace_map.clear(); };
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"--recorded-tablespaces", [&] {
                                           recorded();
                                           plan_.backup.tablespaces[0].path = Place("recorded");
                                         }}));
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"It is a symbolic link", [&] {
                                           recorded();
                                           options_.recorded_tablespaces = true;
                                           fs::create_directory(Place("somewhere"));
                                           fs::create_directory_symlink(Place("somewhere"), Place("recorded"));
                                           plan_.backup.tablespaces[0].path = Place("recorded");
                                         }}));
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"--recorded-tablespaces", [&] {
                                           plan_.replay.tablespaces.push_back({20000, Place("made"), Lsn{1}});
                                         }}));
  // Confirmed; mode and owner are not those of what was there.
  recorded();
  options_.recorded_tablespaces = true;
  plan_.backup.tablespaces[0].path = Place("recorded");
  fs::create_directory(Place("recorded"));
  ASSERT_EQ(chmod(Place("recorded").c_str(), 0777), 0);
  ASSERT_EQ(chown(Place("recorded").c_str(), 65534, 65534), 0);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  struct stat info;
  ASSERT_EQ(stat(Place("recorded").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
}

TEST_F(RefusalTest, AMarkOfAnExpiryIsOneOfThem) {
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"was expired while the restore was planned", [&] {
                                           const std::string key =
                                               layout::BackupKey(plan_.backup.label, layout::BackupObject::kManifest);
                                           ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok());
                                         }}));
}

TEST_F(RefusalTest, WhatCannotBeWrittenToIsOneOfThem) {
  // Root may write there, and nobody finds room.
  const char* part = geteuid() == 0 ? "not enough room" : "cannot be made";
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({part, [&] { options_.data_directory = "/proc/pg_pitr/data"; }}));
  if (geteuid() == 0) return;
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"cannot be made", [&] {
                                           fs::create_directory(Place("closed"));
                                           ASSERT_EQ(chmod(Place("closed").c_str(), 0500), 0);
                                           options_.data_directory = Place("closed/data");
                                         }}));
  ASSERT_NO_FATAL_FAILURE(RefusedByBoth({"cannot be written to", [&] {
                                           fs::create_directory(Place("new ts"));
                                           ASSERT_EQ(chmod(Place("new ts").c_str(), 0500), 0);
                                         }}));
}

}  // namespace
}  // namespace pitr
