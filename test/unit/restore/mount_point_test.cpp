// What /etc/fstab says and what is mounted, and where a restore may not write on account of it.
// Starts no thread.
#include "core/restore/mount_point.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/restore/restore_places.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using Kind = RestorePlace::Kind;
using test::WriteFileText;

class MountPointTest : public testing::Test {
 protected:
  void SetUp() override { setenv("LIBMOUNT_FSTAB", At("fstab").c_str(), 1); }
  void TearDown() override { unsetenv("LIBMOUNT_FSTAB"); }
  std::string At(const std::string& path) const { return scratch_.path() + "/" + path; }
  void List(const std::vector<std::string>& mount_points) {
    std::string text =
        "# a comment\nproc /proc proc defaults 0 0\nUUID=1-2 / ext4 errors=remount-ro 0 1\n/swap none swap sw 0 0\n";
    for (std::string at : mount_points) {
      for (size_t blank = at.find(' '); blank != std::string::npos; blank = at.find(' ')) at.replace(blank, 1, "\\040");
      text += "LABEL=x\t" + at + " xfs nofail,noatime 0 2\n";
    }
    WriteFileText(At("fstab"), text);
  }
  std::string Refusal(const std::vector<RestorePlace>& places) const {
    const Status status = CheckPlacesMounted(places);
    return status.ok() ? "" : status.ToString();
  }
  RestorePlace Data() const { return {Kind::kData, At("data"), "", true}; }

  test::ScratchDirectory scratch_;
};

TEST_F(MountPointTest, NearestMountPointDecides) {
  List({At("disk"), At("my disk"), "/proc/sys"});
  EXPECT_EQ(AbsentMountAbove(At("disk/ts")), At("disk")) << "neither is there";
  fs::create_directories(At("disk/ts"));
  fs::create_directories(At("my disk"));
  EXPECT_EQ(AbsentMountAbove(At("disk/ts")), At("disk"));
  EXPECT_EQ(AbsentMountAbove(At("disk")), At("disk"));
  EXPECT_EQ(AbsentMountAbove(At("my disk/ts")), At("my disk"));
  EXPECT_EQ(AbsentMountAbove(At("disks/ts")), std::nullopt);
  EXPECT_EQ(AbsentMountAbove("/proc"), std::nullopt) << "is mounted";
  EXPECT_EQ(AbsentMountAbove("/proc/self"), std::nullopt);
  EXPECT_EQ(AbsentMountAbove("/"), std::nullopt);
  EXPECT_EQ(AbsentMountsBelow(scratch_.path()), (std::vector<std::string>{At("disk"), At("my disk")}));
  fs::create_directory_symlink("/proc", At("link to proc"));
  List({At("link to proc")});
  EXPECT_EQ(AbsentMountAbove(At("link to proc/self")), std::nullopt) << "mounted where the link leads";
  fs::remove(At("fstab"));
  EXPECT_EQ(AbsentMountAbove(At("disk/ts")), std::nullopt) << "nothing is known";
}

TEST_F(MountPointTest, EmptyPlacesOnTheWrongDiskAreRefused) {
  List({At("disk"), At("data/pg_wal")});
  const RestorePlace recorded{Kind::kTablespace, At("disk/ts"), "16400", false};
  const RestorePlace made{Kind::kNewTablespace, At("disk/late"), "16401", false};
  const RestorePlace wal{Kind::kWal, At("wal"), "", true};
  for (const RestorePlace& place : {recorded, made, RestorePlace{Kind::kWal, At("disk/wal"), "", true},
                                    RestorePlace{Kind::kData, At("disk/17/main"), "", true}}) {
    const std::string refusal = Refusal({place});
    EXPECT_NE(refusal.find("nothing is mounted at \"" + At("disk") + "\", and " + At("fstab") + " says"),
              std::string::npos)
        << refusal;
    EXPECT_NE(refusal.find("mount " + At("disk")), std::string::npos) << refusal;
  }
  EXPECT_NE(Refusal({recorded}).find("--tablespace 16400=NEW"), std::string::npos);
  fs::create_directories(At("disk"));
  fs::create_directory_symlink(At("disk"), At("way"));
  EXPECT_NE(Refusal({{Kind::kTablespace, At("way/ts"), "16400", true}}).find("\"" + At("disk") + "\""),
            std::string::npos)
      << "through a link";
  EXPECT_EQ(Refusal({{Kind::kAside, At("disk/ts"), "16400", false}}), "") << "there it stays where it is";
  EXPECT_NE(Refusal({Data()}).find(At("data/pg_wal")), std::string::npos);
  EXPECT_EQ(Refusal({Data(), wal}), "") << "WAL goes elsewhere";
  // What lives there was written with the disk as it is.
  WriteFileText(At("disk/ts/PG_15_202209061/5/1259"), "x");
  WriteFileText(At("data/pg_wal/000000010000000000000001"), "x");
  EXPECT_EQ(Refusal({Data(), recorded}), "");
}

}  // namespace
}  // namespace pitr
