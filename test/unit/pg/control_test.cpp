#include "core/pg/control.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "lib/golden.h"

namespace pitr {
namespace {

Bytes Control15() { return LoadGolden("pg/pg15_pg_control.zst"); }

TEST(Control, RealFileOf15) {
  // What pg_controldata printed for this file.
  const Bytes raw = Control15();
  ASSERT_EQ(raw.size(), kControlFileSize);
  const auto parsed = ParseControlFile(raw);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  const ControlData& control = parsed.value();
  EXPECT_EQ(control.pg_major, 15);
  EXPECT_EQ(control.catalog_version, 202209061u);
  EXPECT_EQ(control.system_id.value, 7711157543943281008u);
  EXPECT_EQ(control.state, ClusterState::kInProduction);
  EXPECT_EQ(ClusterStateName(control.state), "in production");
  EXPECT_FALSE(control.CleanlyShutDown());
  EXPECT_EQ(control.updated_micros, 1795393797000000);
  EXPECT_EQ(control.checkpoint_micros, 1795393797000000);
  EXPECT_EQ(control.checkpoint, (Lsn{0x88FAD8}));
  EXPECT_EQ(control.redo, (Lsn{0x88FAA0}));
  EXPECT_EQ(control.timeline, (Timeline{1}));
  EXPECT_EQ(control.previous_timeline, (Timeline{1}));
  EXPECT_EQ(control.next_xid, 725u);
  EXPECT_FALSE(control.min_recovery_point.valid());
  EXPECT_FALSE(control.backup_end_required);
  EXPECT_EQ(control.wal_level, WalLevel::kLogical);
  EXPECT_FALSE(control.wal_log_hints);
  EXPECT_FALSE(control.track_commit_timestamp);
  EXPECT_EQ(control.limits, (RecoveryLimits{100, 8, 10, 10, 64}));
  EXPECT_EQ(control.block_size, 8192u);
  EXPECT_EQ(control.segment_size, 1048576u);
  EXPECT_EQ(control.data_checksums, DataChecksums::kOn);
}

// The same values written as another version would.
Bytes As(uint32_t control_version, uint32_t catalog_version) {
  Bytes bytes = Control15();
  if (control_version == 1905) {
    bytes.insert(bytes.begin() + 64, 8, 0);   // a flag and its padding in the checkpoint copy
    bytes.insert(bytes.begin() + 232, 4, 0);  // pages per segment of transaction logs
    bytes.insert(bytes.begin() + 264, 4, 0);  // how checksums were at the beginning
    bytes.resize(kControlFileSize);
  }
  StoreLe(&bytes[8], control_version);
  StoreLe(&bytes[12], catalog_version);
  (void)SealControlFile(bytes);
  return bytes;
}

TEST(Control, Versions) {
  struct Case {
    uint32_t control, catalog;
    int major;
  };
  for (const Case& c : {Case{1300, 202209061, 15},
                        {1300, 202307071, 16},
                        {1700, 202406281, 17},
                        {1800, 202506291, 18},
                        {1905, 202610061, 19}}) {
    const auto parsed = ParseControlFile(As(c.control, c.catalog));
    ASSERT_TRUE(parsed.ok()) << c.major << ": " << parsed.status().ToString();
    const auto original = ParseControlFile(Control15());
    EXPECT_EQ(parsed.value().pg_major, c.major);
    EXPECT_EQ(parsed.value().limits, original.value().limits);
    EXPECT_EQ(parsed.value().segment_size, original.value().segment_size);
    EXPECT_EQ(parsed.value().data_checksums, original.value().data_checksums);
    EXPECT_EQ(parsed.value().checkpoint_micros, original.value().checkpoint_micros);
    EXPECT_EQ(parsed.value().wal_level, original.value().wal_level);
  }
  for (const Case& c : {Case{1300, 202107181, 14}, {1201, 201909212, 12}, {1902, 202607272, 19}, {2000, 202707011, 20}})
    EXPECT_EQ(ParseControlFile(As(c.control, c.catalog)).code(), Code::kInvalidArgument) << c.major;
}

TEST(Control, DamageAndTruncation) {
  const Bytes good = Control15();
  for (size_t i = 16; i < 292; ++i) {
    Bytes bad = good;
    bad[i] ^= 0x40;
    EXPECT_EQ(ParseControlFile(bad).code(), Code::kCorruption) << i;
  }
  for (size_t size = 0; size < 292; ++size)
    ASSERT_EQ(ParseControlFile(ByteView(good).first(size)).code(), Code::kCorruption) << size;
  EXPECT_TRUE(ParseControlFile(ByteView(good).first(292)).ok());
}

TEST(Control, OtherBlockSizeIsRefusedWithTheReason) {
  Bytes bytes = Control15();
  StoreLe<uint32_t>(&bytes[216], 16384);
  ASSERT_TRUE(SealControlFile(bytes).ok());
  const auto parsed = ParseControlFile(bytes);
  EXPECT_EQ(parsed.code(), Code::kInvalidArgument);
  EXPECT_NE(parsed.status().message().find("16384"), std::string::npos);
}

// A clock that repairs the file the third time somebody waits.
class RepairingClock : public Clock {
 public:
  RepairingClock(std::string path, Bytes good) : path_(std::move(path)), good_(std::move(good)) {}
  int64_t WallMicros() const override { return 0; }
  int64_t SteadyMillis() const override { return 0; }
  void SleepMillis(int64_t) const override {
    if (++waits_ == 3)
      std::ofstream(path_, std::ios::binary)
          .write(reinterpret_cast<const char*>(good_.data()), static_cast<std::streamsize>(good_.size()));
  }
  int waits() const { return waits_; }

 private:
  std::string path_;
  Bytes good_;
  mutable int waits_ = 0;
};

class ControlOnDisk : public testing::Test {
 protected:
  ControlOnDisk() { std::filesystem::create_directory(directory_); }
  ~ControlOnDisk() override { std::filesystem::remove_all(directory_); }
  void Write(const Bytes& bytes) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::string directory_ = testing::TempDir() + "control." + std::to_string(getpid());
  std::string path_ = directory_ + "/pg_control";
};

TEST_F(ControlOnDisk, TornReadIsRepeated) {
  Bytes torn = Control15();
  torn[100] ^= 1;
  Write(torn);
  const RepairingClock clock(path_, Control15());
  const auto read = ReadControlFile(path_, clock);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(clock.waits(), 3);
  EXPECT_EQ(read.value().raw, Control15());
}

TEST_F(ControlOnDisk, DamageIsReportedInTheEnd) {
  Bytes torn = Control15();
  torn[100] ^= 1;
  Write(torn);
  const RepairingClock clock("/dev/null", {});
  const auto read = ReadControlFile(path_, clock);
  EXPECT_EQ(read.code(), Code::kCorruption);
  EXPECT_NE(read.status().message().find(path_), std::string::npos);
  EXPECT_EQ(ReadControlFile(path_ + ".none").code(), Code::kNotFound);
}

}  // namespace
}  // namespace pitr
